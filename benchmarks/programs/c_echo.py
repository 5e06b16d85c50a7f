"""The echo server in C, with epoll; Python only opens its listener."""

import socket

from harness import cloops

with socket.create_server(("127.0.0.1", 0)) as listener:
    print(listener.getsockname()[1])
    cloops.bind("serve_echo", listener)(1)
