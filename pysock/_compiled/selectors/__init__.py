"""EpollSelector: the methods that are called often, in C."""

from .. import load
from ..native import SELECTORS

load(SELECTORS)
