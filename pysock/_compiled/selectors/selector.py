"""EpollSelector: the standard library's class, with the methods of `methods.py`."""

from ..._shared import PACKAGE, original
from ..._shared.public_names import name_code
from . import methods
from .overrides import has_original_code
from .registered import Registered


class EpollSelector(original.EpollSelector):
    """`selectors.EpollSelector`, with the methods that an event loop calls often in C (`epoll(7)`).

    These are `register`, `unregister`, `modify` and `select`. Each one is a Python function that
    calls the C function. Arguments, results and exceptions are the same. `install()` assigns the
    class to `selectors`, where asyncio's default loop gets it, and to `socketserver`.
    """

    __module__ = PACKAGE

    register = methods.register
    unregister = methods.unregister
    modify = methods.modify
    select = methods.select

    def __init__(self):
        super().__init__()
        if has_original_code():
            self._fd_to_key = Registered(self._fd_to_key)

    __init__.__module__ = PACKAGE
    __init__.__qualname__ = original.EpollSelector.__init__.__qualname__
    name_code(__init__)
