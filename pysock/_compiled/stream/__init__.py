"""Stream: a buffered file object that loses no bytes when a call is interrupted."""

from .. import load
from ..native import STREAM

load(STREAM)
