"""gevent, which puts its own sockets in the place of all others: who patches last has them."""

from gevent import monkey

monkey.patch_all()

import socket  # noqa: E402
import ssl  # noqa: E402
import urllib.request  # noqa: E402

import gevent  # noqa: E402
from gevent.pywsgi import WSGIServer  # noqa: E402
from gevent.server import StreamServer  # noqa: E402
from measure import REQUESTS, measured, payload  # noqa: E402
from webapp import LARGE, wsgi  # noqa: E402

CLIENTS = 4


def echo(sock, address):
    while data := sock.recv(65_536):
        sock.sendall(data)
    sock.close()


def read(sock, size):
    got = bytearray()
    while len(got) < size:
        got += sock.recv(65_536)
    return bytes(got)


def talk(port, requests):
    message = payload(64)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
        for _ in range(requests):
            sock.sendall(message)
            assert read(sock, 64) == message


def check(port):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
        for size in (1, 65_536, 2_000_000):
            sender = gevent.spawn(sock.sendall, payload(size))
            assert read(sock, size) == payload(size)
            sender.get()
        sock.settimeout(0.05)
        try:
            sock.recv(1)
        except TimeoutError:
            pass
        else:
            raise AssertionError("no timeout")
    one, two = socket.socketpair()
    with one, two:
        late = gevent.spawn_later(0.05, two.sendall, b"a line\n")
        with one.makefile("rb") as file:
            assert file.readline() == b"a line\n"  # and another greenlet ran meanwhile
        late.get()


def check_web():
    server = WSGIServer(("127.0.0.1", 0), wsgi, log=None)
    server.start()
    url = f"http://127.0.0.1:{server.server_port}"
    with urllib.request.urlopen(url + "/large", timeout=20) as answer:
        assert answer.read() == LARGE
    server.stop()


def main():
    assert issubclass(ssl.SSLSocket, socket.socket)
    server = StreamServer(("127.0.0.1", 0), echo)
    server.start()
    check(server.server_port)
    check_web()
    share = max(1, REQUESTS // CLIENTS)
    with measured(share * CLIENTS):
        tasks = [gevent.spawn(talk, server.server_port, share) for _ in range(CLIENTS)]
        gevent.joinall(tasks, raise_error=True)
    server.stop()


if __name__ == "__main__":
    main()
