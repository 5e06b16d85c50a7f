"""A profile of the calls of sockets: what each place of a program calls, moves and waits for.

`start()` puts functions that count in front of the C functions of `socket`. The methods stay of the
kind that they are. Without it nothing is in front of them, so a profile costs nothing then.
"""

import socket as _stdlib

from ..._shared import original
from ..._shared.profiled_calls import FUNCTIONS, METHODS
from .. import io, load
from .. import socket as methods
from ..native import PROFILE

load(PROFILE)

from . import profiled  # noqa: E402

# Where the Python function of each name looks up its C function.
_PLACES = {
    "socket": (vars(methods), "_init"),
    "accept": (vars(methods), "_accept"),
    "close": (vars(methods), "_close"),
    "sendfile": (vars(io.file), "_sendfile_use_sendfile"),
    "socketpair": (vars(methods), "_socketpair"),
    "getaddrinfo": (vars(methods), "_getaddrinfo"),
}

sites = profiled.sites


def start(folder):
    """Count from now on. The code in *folder*, the package, is no site: its caller is one."""
    from ..selectors import methods as selector_methods  # install() imports it, too

    selector_file = original.EpollSelector.select.__code__.co_filename
    profiled.start(folder, (_stdlib.create_connection.__code__.co_filename, selector_file))
    for name, words in METHODS.items():
        method = vars(methods.socket)[name]
        setattr(methods.socket, name, profiled.method_descriptor(name, method, words.split()))
    places = {**_PLACES, "select": (selector_methods.select.__globals__, "_c_select")}
    for name, words in FUNCTIONS.items():
        names, place = places[name]
        if place in names:  # a selector that other code has changed has no function in C
            names[place] = profiled.builtin_function(name, names[place], words.split())
