"""Servers under load for as long as wanted: every byte checked, nothing left behind.

    python soak.py c|fallback|socket SECONDS

Two servers that echo, one with a thread for each connection and one with a selector; clients that
behave, stall, reset, flood and half-close; two sockets that exchange batches of datagrams. The
figures are printed as JSON; an exception, a wrong byte, a descriptor or memory that stays is an
error.
"""

import contextlib
import json
import random
import selectors
import struct
import sys
import threading
import time
import zlib
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])]
from held import descriptors, resident  # noqa: E402
from support.legs import load  # noqa: E402

net = load(sys.argv[1])
SECONDS = float(sys.argv[2])
CLIENTS = 6
CHUNK = 16_384
MAX_HELD = 1 << 18  # bytes that the selector's server keeps for one peer before it stops reading
RESET = struct.pack("ii", 1, 0)

over = threading.Event()
served = threading.Event()  # no client is left: a connection made at the very end is served, too
wrong = []
counts = {"connections": 0, "reset": 0, "flooded": 0, "bytes checked": 0, "datagrams checked": 0}
counting = threading.Lock()


def count(**more):
    with counting:
        for name, n in more.items():
            counts[name.replace("_", " ")] += n


def fail(what):
    wrong.append(what)
    over.set()


# Servers


def echo_in_a_thread(sock):
    """One connection of the first server, by each of the ways to receive."""
    room = bytearray(CHUNK)
    sock.settimeout(30)
    with sock, contextlib.suppress(ConnectionError, TimeoutError):
        while True:
            if len(room) % 2:
                n = sock.recv_into(room)
                data = memoryview(room)[:n]
            else:
                data = sock.recv(262_144)
            if not data:
                return
            sock.sendall(data)
            del data
            room = bytearray(random.randrange(1000, 40_000))


def serve_by_threads(listener):
    threads = []
    while not served.is_set():
        with contextlib.suppress(TimeoutError):
            sock, _ = listener.accept()
            threads.append(threading.Thread(target=echo_in_a_thread, args=[sock]))
            threads[-1].start()
        threads = [thread for thread in threads if thread.is_alive()]
    for thread in threads:
        thread.join()


class Connection:
    """One connection of the second server, and what it owes its peer."""

    def __init__(self, sock):
        self.sock, self.held, self.ended = sock, bytearray(), False

    def events(self):
        reads = not self.ended and len(self.held) < MAX_HELD
        return (selectors.EVENT_READ if reads else 0) | (selectors.EVENT_WRITE if self.held else 0)

    def step(self, events):
        """Do what can be done; False when it is over."""
        if events & selectors.EVENT_READ and not self.ended:
            data = self.sock.recv(65_536)
            self.ended = not data
            self.held += data
        if self.held:
            with contextlib.suppress(BlockingIOError):
                del self.held[: self.sock.send(self.held)]
        return bool(self.held) or not self.ended


def serve_by_selector(listener):
    selector_class = getattr(net, "EpollSelector", selectors.DefaultSelector)
    with selector_class() as selector:
        listener.setblocking(False)
        selector.register(listener, selectors.EVENT_READ)
        while not served.is_set() or len(selector.get_map()) > 1:
            for key, events in selector.select(0.1):
                if key.data is None:
                    with contextlib.suppress(BlockingIOError):
                        sock, _ = listener.accept()
                        sock.setblocking(False)
                        selector.register(sock, selectors.EVENT_READ, Connection(sock))
                    continue
                connection = key.data
                try:
                    alive = connection.step(events)
                except BlockingIOError:
                    continue
                except ConnectionError:
                    alive = False
                wanted = connection.events() if alive else 0
                if not wanted:
                    selector.unregister(connection.sock)
                    connection.sock.close()
                elif wanted != key.events:
                    selector.modify(connection.sock, wanted, connection)


# Clients


class Checked:
    """A connection whose bytes are hashed as they go and as they come back."""

    def __init__(self, sock, source):
        self.sock, self.source = sock, source
        self.sent = self.came = self.sent_hash = self.came_hash = 0

    def send(self, size):
        data = self.source.randbytes(size)
        self.sock.sendall(data)
        self.sent += size
        self.sent_hash = zlib.crc32(data, self.sent_hash)

    def take(self, most):
        data = self.sock.recv(most)
        self.came += len(data)
        self.came_hash = zlib.crc32(data, self.came_hash)
        return len(data)

    def check(self):
        if (self.sent, self.sent_hash) != (self.came, self.came_hash):
            fail(f"sent {self.sent} bytes, {self.came} came back, or others")
        count(bytes_checked=self.came)


def behave(checked, source):
    for _ in range(source.randrange(1, 30)):
        checked.send(source.randrange(1, CHUNK))
        while checked.came < checked.sent:
            checked.take(source.choice([100, 5000, 262_144]))
    checked.check()


def stall(checked, source):
    checked.send(CHUNK)
    time.sleep(source.random() / 50)
    while checked.came < checked.sent:
        checked.take(997)
        if checked.came % 7 == 0:
            time.sleep(0.001)
    checked.check()


def half_close(checked, source):
    checked.send(source.randrange(1, CHUNK))
    checked.sock.shutdown(net.SHUT_WR)
    while checked.take(3000):
        pass
    checked.check()


def reset(checked, source):
    checked.send(source.randrange(1, CHUNK))
    checked.sock.setsockopt(net.SOL_SOCKET, net.SO_LINGER, RESET)
    count(reset=1)


def flood(checked, source):
    checked.sock.settimeout(0.05)
    with contextlib.suppress(TimeoutError, ConnectionError):
        for _ in range(200):
            checked.sock.sendall(bytes(65_536))
    checked.sock.setsockopt(net.SOL_SOCKET, net.SO_LINGER, RESET)
    count(flooded=1)


BEHAVIOURS = [behave, behave, behave, half_close, half_close, stall, reset, flood]


def client(number, addresses):
    source = random.Random(number)
    try:
        while not over.is_set():
            with net.create_connection(source.choice(addresses), 30) as sock:
                count(connections=1)
                source.choice(BEHAVIOURS)(Checked(sock, source), source)
    except Exception as error:
        fail(repr(error))


def exchange_datagrams():
    """Batches there and back; what is too much for the buffers is lost, what comes is whole."""
    if not hasattr(net, "DatagramBatch"):
        return
    source = random.Random(5)
    a, b = (net.socket(net.AF_INET, net.SOCK_DGRAM) for _ in range(2))
    try:
        with a, b:
            for sock in (a, b):
                sock.bind(("127.0.0.1", 0))
                sock.settimeout(1)
                sock.set_gro(True)
            batch = net.DatagramBatch(16, 2000)
            while not over.is_set():
                size = source.randrange(5, 1500)
                sent = [source.randbytes(size) for _ in range(source.randrange(1, 40))]
                sent = [struct.pack("I", zlib.crc32(data)) + data for data in sent]
                a.sendmmsg(sent, b.getsockname())
                taken = 0
                with contextlib.suppress(TimeoutError):
                    while taken < len(sent):
                        batch.recv_into(b)
                        taken += batch.send(b)
                        for data, _ in a.recvmmsg(64, 2000):
                            if struct.unpack_from("I", data)[0] != zlib.crc32(data[4:]):
                                fail("a datagram is not what was sent")
                            count(datagrams_checked=1)
                        a.setblocking(False)
                        with contextlib.suppress(BlockingIOError):
                            count(datagrams_checked=len(a.recvmmsg(1000, 2000)))
                        a.settimeout(1)
    except Exception as error:
        fail(repr(error))


def main():
    descriptors_before = descriptors()
    listeners = [net.create_server(("127.0.0.1", 0), backlog=128) for _ in range(2)]
    addresses = [listener.getsockname() for listener in listeners]
    listeners[0].settimeout(0.1)
    servers = [
        threading.Thread(target=serve_by_threads, args=[listeners[0]]),
        threading.Thread(target=serve_by_selector, args=[listeners[1]]),
    ]
    clients = [threading.Thread(target=client, args=[i, addresses]) for i in range(CLIENTS)]
    clients.append(threading.Thread(target=exchange_datagrams))
    for thread in servers + clients:
        thread.start()
    over.wait(SECONDS / 3)
    settled = resident()
    over.wait(SECONDS * 2 / 3)
    at_the_end = resident()
    over.set()
    for thread in clients:
        thread.join()
    served.set()
    for thread in servers:
        thread.join()
    for listener in listeners:
        listener.close()
    print(
        json.dumps(
            {
                "seconds": SECONDS,
                **counts,
                "wrong": wrong,
                "descriptors left": descriptors() - descriptors_before,
                "KiB resident after a third": settled,
                "KiB resident at the end": at_the_end,
            }
        )
    )


if __name__ == "__main__":
    main()
