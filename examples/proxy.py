"""A TCP proxy: two threads a connection, one for each direction, and no byte passes through Python.

Run it: python proxy.py                                        checks itself
        python proxy.py --listen 127.0.0.1:8080 --to example.org:80

`splice` returns at the end of what one side sends. That end is passed on, and the other direction
goes on until its own: a client may shut down its half and wait for the answer. A client that does
not read stops whoever sends to it, and nobody else.
"""

import argparse
import contextlib
import hashlib
import os
import threading

import pysock as socket

SIZE = 20_000_000
CLIENTS = 3


class Proxy:
    """Connections to *listener* are connections to *target*, a (host, port)."""

    def __init__(self, listener: socket.socket, target: tuple[str, int | str]) -> None:
        self.listener, self.target = listener, target
        self.threads: list[threading.Thread] = []

    def serve(self) -> None:
        """Accept until `stop()`."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                thread = threading.Thread(target=self.connect, args=(client,))
                thread.start()
                self.threads = [one for one in self.threads if one.is_alive()] + [thread]

    def stop(self) -> None:
        """Accept no more, and wait for the connections that there are."""
        self.listener.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join()

    def connect(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            with socket.create_connection(self.target, timeout=10) as server:
                server.settimeout(None)
                answers = threading.Thread(target=forward, args=(server, client))
                answers.start()
                forward(client, server)
                answers.join()


def forward(source: socket.socket, target: socket.socket) -> None:
    """Move what *source* sends to *target*, and then that this was all."""
    try:
        socket.splice(source, target)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        # Broken in one direction is broken in both: this ends the other thread's splice, too.
        for sock in (source, target):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


# The demonstration: a server behind the proxy, and clients that compare what they get.


def answer(sock: socket.socket, data: bytes) -> None:
    """Send *data* while receiving; after the client's end, the digest of what it sent."""
    with sock:
        sending = threading.Thread(target=sock.sendall, args=(data,))
        sending.start()
        received = hashlib.sha256()
        while piece := sock.recv(1 << 18):
            received.update(piece)
        sending.join()
        sock.sendall(received.digest())


def serve(listener: socket.socket, data: bytes) -> None:
    threads: list[threading.Thread] = []
    for _ in range(CLIENTS + 1):
        sock, _ = listener.accept()
        threads.append(threading.Thread(target=answer, args=(sock, data)))
        threads[-1].start()
    for thread in threads:
        thread.join()


class Client(threading.Thread):
    """Sends *data* and its end; reads the answer when it may, and compares it with *expected*."""

    def __init__(
        self, address: tuple[str, int], data: bytes, expected: bytes, may_read: threading.Event
    ) -> None:
        super().__init__()
        self.address, self.data, self.expected, self.may_read = address, data, expected, may_read
        self.sent = threading.Event()
        self.both_right = False

    def run(self) -> None:
        with socket.create_connection(self.address) as sock:
            reading = threading.Thread(target=self.read, args=(sock,))
            reading.start()
            sock.sendall(self.data)
            sock.shutdown(socket.SHUT_WR)
            self.sent.set()
            reading.join()

    def read(self, sock: socket.socket) -> None:
        self.may_read.wait()
        received = bytearray()
        while piece := sock.recv(1 << 18):
            received += piece
        digest = hashlib.sha256(self.data).digest()
        self.both_right = received == self.expected + digest


def demonstrate() -> None:
    there, back = os.urandom(SIZE), os.urandom(SIZE)
    before = len(os.listdir("/dev/fd"))
    with (
        socket.create_server(("127.0.0.1", 0)) as behind,
        socket.create_server(("127.0.0.1", 0)) as front,
    ):
        proxy = Proxy(front, behind.getsockname())
        threads = [
            threading.Thread(target=serve, args=(behind, back)),
            threading.Thread(target=proxy.serve),
        ]
        for thread in threads:
            thread.start()
        now, later = threading.Event(), threading.Event()
        now.set()
        address = front.getsockname()
        stalled = Client(address, there, back, later)
        clients = [Client(address, there, back, now) for _ in range(CLIENTS)]
        for client in (stalled, *clients):
            client.start()
        for client in clients:
            client.join()
            assert client.both_right
        print(f"{CLIENTS} clients sent and received {SIZE} bytes each, at the same time")
        stalled.sent.wait()
        assert stalled.is_alive()
        print("another one sent as many, and its end, but did not read until now")
        later.set()
        stalled.join()
        assert stalled.both_right
        proxy.stop()
        for thread in threads:
            thread.join()
    assert len(os.listdir("/dev/fd")) == before
    print("every byte arrived, both ways")


def address_of(text: str) -> tuple[str, str]:
    host, _, port = text.rpartition(":")
    return host, port


def main() -> None:
    parser = argparse.ArgumentParser(description="A TCP proxy; without arguments, a check of it.")
    parser.add_argument("--listen", metavar="HOST:PORT", type=address_of)
    parser.add_argument("--to", metavar="HOST:PORT", type=address_of)
    options = parser.parse_args()
    if (options.listen is None) != (options.to is None):
        parser.error("--listen and --to go together")
    if options.listen is None:
        demonstrate()
        return
    with socket.create_server(options.listen) as listener:
        print("listening on {}:{}".format(*listener.getsockname()), flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            Proxy(listener, options.to).serve()


if __name__ == "__main__":
    main()
