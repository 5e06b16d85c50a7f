"""Thank every TCP client that says its name: python tcp_server.py"""

import socket

with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
    print("listening on", server.getsockname()[1], "with", type(server), flush=True)
    while True:
        client, _ = server.accept()
        with client, client.makefile("rb") as lines:
            client.sendall(b"Thank you for connecting, " + lines.readline().rstrip(b"\n"))
