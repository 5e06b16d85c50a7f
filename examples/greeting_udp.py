"""The greeting server over UDP: every client sends a datagram and is thanked with one.

Run it: python greeting_udp.py

New beside the tutorial is the import, and that a host may be an object of `ipaddress`, or the
binary address as an integer.
"""

import ipaddress
import threading

import pysock as socket

CLIENTS = 3
LOOPBACK = ipaddress.IPv4Address("127.0.0.1")


def serve(sock: socket.socket) -> None:
    """Thank whoever sends a datagram, by the name that is in it."""
    for _ in range(CLIENTS):
        name, client = sock.recvfrom(1024)
        sock.sendto(b"Thank you for connecting, " + name, client)


def greet(host: ipaddress.IPv4Address | int, port: int, name: str) -> str:
    """Send the name and return the answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        # A datagram may get lost: a client that waits for an answer must not wait for ever.
        sock.settimeout(5)
        # Connected, the socket hears this one server and nobody else.
        sock.connect((host, port))
        sock.send(name.encode())
        return sock.recv(1024).decode()


def main() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        # Loopback only, and port 0: the kernel picks a free one.
        sock.bind((LOOPBACK, 0))
        port = sock.getsockname()[1]
        print(f"listening on {LOOPBACK}, with a {type(sock)}")
        server = threading.Thread(target=serve, args=(sock,), daemon=True)
        server.start()
        hosts: list[ipaddress.IPv4Address | int] = [LOOPBACK, int(LOOPBACK), 0x7F000001]
        for number, host in enumerate(hosts, start=1):
            print("server said:", greet(host, port, f"client {number} to {host!r}"))
        server.join()


if __name__ == "__main__":
    main()
