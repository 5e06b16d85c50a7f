"""unittest.mock's stand-ins for what is written in C: no signature, and no self."""

import contextlib
import inspect
import socket
from unittest import mock

from shown import plain, say, tried


def calls_of(mocked):
    """Positions and names of the arguments; a socket stands as self."""
    return [
        (["self" if isinstance(each, socket.socket) else each for each in call.args], call.kwargs)
        for call in mocked.call_args_list
    ]


for name, arguments in {
    "connect": (("127.0.0.1", 9),),
    "bind": (("127.0.0.1", 0),),
    "listen": (1,),
    "recv": (10,),
    "recv_into": (bytearray(3), 3),
    "recvfrom": (10,),
    "recvmsg": (10,),
    "send": (b"x",),
    "sendall": (b"x",),
    "sendto": (b"x", ("127.0.0.1", 9)),
    "sendmsg": ([b"x"],),
    "shutdown": (1,),
    "settimeout": (1,),
    "setsockopt": (1, 2, 3),
    "getsockopt": (1, 2),
    "fileno": (),
    "getpeername": (),
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

instance = mock.create_autospec(socket.socket, instance=True)
for name in vars(socket.socket.__mro__[-2]):
    value = getattr(instance, name, None)
    if callable(value) and not name.startswith("__") and name not in ("close", "detach"):
        tried(f"socket.{name}()", lambda value=value: type(value()).__name__)
        tried(f"socket.{name}(9)", lambda value=value: type(value(*range(9))).__name__)

for name in (
    "close",
    "dup",
    "getdefaulttimeout",
    "gethostbyname",
    "gethostbyname_ex",
    "getnameinfo",
    "htonl",
    "htons",
    "inet_aton",
    "inet_ntoa",
    "inet_ntop",
    "inet_pton",
    "ntohl",
    "ntohs",
    "setdefaulttimeout",
):
    stand_in = mock.create_autospec(getattr(socket, name), return_value="stood in")
    say(name, type(stand_in).__name__)
    tried(f"{name}()", stand_in)
    tried(f"{name}(9)", stand_in, *range(9))
    tried(f"{name}(keyword)", stand_in, no_such_keyword=1)
    with contextlib.suppress(TypeError, ValueError):
        say(name, plain(str(inspect.signature(stand_in))))
