"""A program for an installed pysock: does it work, is it typed, and on which backend is it?

`python program.py c` fails unless the backend is that one.
"""

import os
import sys

import pysock

with pysock.create_server(("127.0.0.1", 0)) as listener:
    with pysock.create_connection(("localhost", str(listener.getsockname()[1]))) as client:
        server, address = listener.accept()
        with server:
            client.sendall(b"thanks")
            assert server.recv(6) == b"thanks" and type(server) is pysock.socket
            server.sendmsg_all([b"not ", b"at all"])
            assert client.recv_exactly(10) == b"not at all"
assert os.path.exists(os.path.join(*pysock.__path__, "py.typed"))
print(pysock.BACKEND)
if wanted := sys.argv[1:]:
    sys.exit(wanted != [pysock.BACKEND])
