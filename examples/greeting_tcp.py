"""The greeting server of every sockets tutorial, over TCP.

Run it: python greeting_tcp.py

New beside the tutorial is the import, and that a port may be text: "8080", as it comes from a
command line or a configuration file, or the name of a service, such as "http".
"""

import threading

import pysock as socket

CLIENTS = 3
# Loopback only: nobody outside this machine can connect. Port 0: the kernel picks a free one.
ADDRESS = "127.0.0.1:0"


def serve(listener: socket.socket) -> None:
    """Thank each client by its name, one after the other."""
    for _ in range(CLIENTS):
        connection, _peer = listener.accept()
        with connection, connection.makefile("rb") as lines:
            # A stream has no messages: the newline says where the name ends, recv() would not.
            name = lines.readline().rstrip(b"\n")
            connection.sendall(b"Thank you for connecting, " + name)


def connect(address: tuple[str, str], name: str) -> str:
    """Say the name, read the thanks until the server closes (EOF), and return them."""
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall(name.encode() + b"\n")
        with connection.makefile("rb") as reply:
            return reply.read().decode()


def main() -> None:
    with socket.create_server(tuple(ADDRESS.split(":"))) as listener:
        host, port = listener.getsockname()
        print(f"listening on {host}, with a {type(listener)}")
        server = threading.Thread(target=serve, args=(listener,), daemon=True)
        server.start()
        for number in range(1, CLIENTS + 1):
            # str(port) is here to show that text will do; the number does as well.
            print("server said:", connect((host, str(port)), f"client {number}"))
        server.join()


if __name__ == "__main__":
    main()
