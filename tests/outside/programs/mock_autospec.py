"""unittest.mock makes its stand-ins from the kinds and signatures of what it replaces.

Here are the functions in Python; `mock_autospec_of_c` has those in C.
"""

import contextlib
import inspect
import selectors
import socket
from unittest import mock

from shown import plain, say, standard_attributes, tried

# Methods, by the class


def calls_of(mocked):
    """Positions and names of the arguments; a socket stands as self."""
    return [
        (["self" if isinstance(each, socket.socket) else each for each in call.args], call.kwargs)
        for call in mocked.call_args_list
    ]


for name, arguments in {
    "close": (),
    "accept": (),
    "sendfile": (None,),
    "makefile": ("rb",),
    "dup": (),
    "detach": (),
    "_real_close": (),
    "_decref_socketios": (),
}.items():
    sock = socket.socket()
    with mock.patch.object(socket.socket, name, autospec=True) as stand_in:
        stand_in.return_value = "stood in"
        say(name, type(stand_in).__name__)
        tried(name, getattr(sock, name), *arguments)
        tried(f"{name} with too many", getattr(sock, name), *range(9))
        tried(f"{name} with a keyword", getattr(sock, name), no_such_keyword=1)
        say(name, calls_of(stand_in))
    sock.close()

with mock.patch.object(socket.socket, "close", autospec=True) as stand_in:
    with socket.socket() as sock:
        pass
    say("with", calls_of(stand_in))
sock.close()
for name in ("family", "type"):
    with mock.patch.object(
        socket.socket, name, new_callable=mock.PropertyMock, return_value="stood in"
    ):
        with socket.socket() as sock:
            tried(name, getattr, sock, name)

# A whole class, and what there is of its instances

for cls in (socket.socket, socket.SocketIO):
    instance = mock.create_autospec(cls, instance=True)
    for name, original in standard_attributes(cls):
        if name.startswith("__") or not inspect.isfunction(original):
            continue
        method = getattr(instance, name)
        label = f"{cls.__name__}.{name}"
        say(label, type(method).__name__)
        tried(f"{label}()", lambda method=method: type(method()).__name__)
        tried(f"{label}(9)", lambda method=method: type(method(*range(9))).__name__)
spec = mock.create_autospec(socket.socket, instance=True)
tried("accept", spec.accept, "too many")
tried("isinstance", isinstance, spec, socket.socket)
tried("no such name", getattr, spec, "no_such_name")
tried("called", lambda: type(mock.create_autospec(socket.socket)(1, 2, 3, 4)).__name__)
tried("called", lambda: mock.create_autospec(socket.socket)(1, 2, 3, 4, 5))
selector = mock.create_autospec(selectors.EpollSelector, instance=True)
for name in ("register", "unregister", "modify", "select", "close", "get_map", "get_key", "fileno"):
    tried(f"selector.{name}", lambda name=name: type(getattr(selector, name)()).__name__)
    tried(f"selector.{name}", lambda name=name: getattr(selector, name)(*range(9)))

# Functions

for name in (
    "create_connection",
    "create_server",
    "fromfd",
    "getaddrinfo",
    "getfqdn",
    "has_dualstack_ipv6",
    "recv_fds",
    "send_fds",
    "socketpair",
):
    stand_in = mock.create_autospec(getattr(socket, name), return_value="stood in")
    say(name, type(stand_in).__name__)
    tried(f"{name}()", stand_in)
    tried(f"{name}(9)", stand_in, *range(9))
    tried(f"{name}(keyword)", stand_in, no_such_keyword=1)
    with contextlib.suppress(TypeError, ValueError):
        say(name, plain(str(inspect.signature(stand_in))))

# The whole module

module = mock.create_autospec(socket)
tried("module.getaddrinfo()", module.getaddrinfo)
tried("module.getaddrinfo(...)", lambda: type(module.getaddrinfo("host", 80)).__name__)
tried("module.socket(...)", lambda: type(module.socket(1, 2, 3, 4, 5)).__name__)
