"""The greeting server on a Unix-domain socket: for the processes of one machine.

Run it: python greeting_unix.py

New beside the tutorial is the import, and that the address may be a `pathlib.Path`.
"""

import tempfile
import threading
from pathlib import Path

import pysock as socket

CLIENTS = 3


def serve(listener: socket.socket) -> None:
    """Thank each client by its name, one after the other."""
    for _ in range(CLIENTS):
        connection, _peer = listener.accept()
        with connection, connection.makefile("rb") as lines:
            # A stream has no messages: the newline says where the name ends, recv() would not.
            name = lines.readline().rstrip(b"\n")
            connection.sendall(b"Thank you for connecting, " + name)


def connect(path: Path, name: str) -> str:
    """Say the name, read the thanks until the server closes (EOF), and return them."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(path)
        connection.sendall(name.encode() + b"\n")
        with connection.makefile("rb") as reply:
            return reply.read().decode()


def main() -> None:
    # A folder that only this user may enter guards the socket, and takes its file along at the end.
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        path = Path(folder) / "greeting.sock"
        listener.bind(path)
        listener.listen()
        print(f"listening on {path.name}, with a {type(listener)}")
        server = threading.Thread(target=serve, args=(listener,), daemon=True)
        server.start()
        for number in range(1, CLIENTS + 1):
            print("server said:", connect(path, f"client {number}"))
        server.join()


if __name__ == "__main__":
    main()
