"""Thank every Unix-domain client that says its name: python unix_server.py PATH"""

import socket
import sys

with socket.socket(socket.AF_UNIX) as server:
    server.bind(sys.argv[1])
    server.listen(128)
    print("listening on", server.getsockname(), "with", type(server), flush=True)
    while True:
        client, _ = server.accept()
        with client, client.makefile("rb") as lines:
            client.sendall(b"Thank you for connecting, " + lines.readline().rstrip(b"\n"))
