"""One process, one leg: what every public callable leaves behind, in success and in failure.

    PYTHONMALLOC=malloc python calls.py c|fallback [calls]

Prints a line of JSON for each: the bytes by which the heap grew (everything is on malloc's, csrc's
memory and Python's), the objects that the collector knows, open descriptors, and the references to
the arguments, None and some numbers.
"""

import asyncio
import ctypes
import functools
import gc
import inspect
import ipaddress
import json
import os
import socket as stdlib
import sys
import warnings
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2])]
sys.path.append(str(Path(__file__).resolve().parents[1] / "faults"))
from loop_calls import LoopCalls  # noqa: E402
from operations import arguments  # noqa: E402
from support.legs import load  # noqa: E402

net = load(sys.argv[1])
CALLS = int(sys.argv[2]) if len(sys.argv) > 2 else 1000


class Mallinfo2(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
        )
    ]


mallinfo2 = ctypes.CDLL(None).mallinfo2
mallinfo2.restype = Mallinfo2
COMMON = [None, True, 0, 1, 2, 80, 100, "", b"", ()]


def heap():
    info = mallinfo2()
    return info.uordblks + info.hblkhd


def measure(name, call, watched=()):
    """Call *call* some times to settle, then CALLS times: report what grew."""
    watched = [*COMMON, *watched]

    def run(times):
        failed = 0
        for _ in range(times):
            try:
                call()
            except Exception:
                failed += 1
        return failed

    def look():
        gc.collect()
        counts = [sys.getrefcount(thing) for thing in watched]
        return heap(), len(gc.get_objects()), len(os.listdir("/proc/self/fd")), counts

    run(max(CALLS // 10, 100))
    look()
    # What grows once is no leak: an arena, a table. What grows twice is.
    for _ in range(3):
        before = look()
        failed = run(CALLS)
        after = look()
        if after[0] - before[0] < 8 * CALLS:
            break
    print(
        json.dumps(
            {
                "name": name,
                "calls": CALLS,
                "failed": failed,
                "heap": after[0] - before[0],
                "objects": after[1] - before[1],
                "descriptors": after[2] - before[2],
                "references": max(new - old for new, old in zip(after[3], before[3], strict=True)),
            }
        ),
        flush=True,
    )


a, b = net.socketpair()
u, v = (net.socket(net.AF_INET, net.SOCK_DGRAM) for _ in range(2))
for udp in (u, v):
    udp.bind(("127.0.0.1", 0))
U, V = u.getsockname(), v.getsockname()
listener = net.create_server(("127.0.0.1", 0))
L = listener.getsockname()
for sock in (a, b, u, v):
    sock.settimeout(0)
room = bytearray(200)
DATA = b"some bytes of its own"
exact = bytearray(len(DATA))


async def turns():
    """A turn for a callback, and one for a timer."""
    await asyncio.sleep(0)
    await asyncio.sleep(1e-6)


def there(call):
    def sent_first():
        stdlib.socket.send(a, DATA)
        return call()

    return sent_first


def back(call):
    def received_after():
        try:
            return call()
        finally:
            stdlib.socket.recv(b, 100_000)

    return received_after


def datagram(call):
    def sent_first():
        stdlib.socket.sendto(u, DATA, V)
        return call()

    return sent_first


def gone(call):
    def received_after():
        try:
            return call()
        finally:
            stdlib.socket.recv(v, 70_000)

    return received_after


def connect():
    with net.create_connection(L):
        listener.accept()[0].close()


def close_all(socks):
    for sock in socks:
        sock.close()


def sendmsg_rights():
    a.sendmsg([DATA], [(net.SOL_SOCKET, net.SCM_RIGHTS, b"\0\0\0\0")])
    for fd in net.recv_fds(b, 100, 2)[1]:
        os.close(fd)


def select_once():
    with net.EpollSelector() as selector:
        selector.register(a, 3, DATA)
        selector.select(0), selector.select(0)
        selector.modify(a, 2, DATA)
        selector.select(0)
        for wrong in (
            lambda: selector.register(a, 3),
            lambda: selector.register(DATA, 3),
            lambda: selector.register(b, 7),
            lambda: selector.modify(a, "7", DATA),
            lambda: selector.unregister(b),
        ):
            try:
                wrong()
            except (KeyError, TypeError, ValueError):
                pass
        selector.unregister(a)


def batch_round():
    batch.recv_into(v)
    datagram = batch[0]
    str((datagram.address, bytes(datagram), datagram.tos, datagram.data, repr(datagram)))


batch = net.DatagramBatch(4, 100) if hasattr(net, "DatagramBatch") else None

METHODS = {
    "accept": connect,
    "bind": lambda: bind_one(),
    "close": lambda: net.socket().close(),
    "connect": lambda: u.connect(V) or u.connect((ipaddress.ip_address("127.0.0.1"), str(V[1]))),
    "connect_ex": lambda: u.connect_ex(V),
    "detach": lambda: os.close(net.socket().detach()),
    "dup": lambda: a.dup().close(),
    "fileno": a.fileno,
    "get_inheritable": a.get_inheritable,
    "getblocking": a.getblocking,
    "getpeername": a.getpeername,
    "getsockname": u.getsockname,
    "getsockopt": lambda: (
        a.getsockopt(net.SOL_SOCKET, net.SO_SNDBUF),
        a.getsockopt(net.SOL_SOCKET, net.SO_LINGER, 8),
    ),
    "gettimeout": a.gettimeout,
    "listen": lambda: listener.listen(5),
    "makefile": lambda: [a.makefile(mode).close() for mode in ("rb", "wb", "r", "rwb")],
    "recv": there(lambda: (b.recv(100, net.MSG_PEEK), b.recv(262144))),
    "recv_into": there(lambda: b.recv_into(room)),
    "recv_exactly": there(lambda: b.recv_exactly(len(DATA))),
    "recv_exactly_into": there(lambda: b.recv_exactly_into(exact)),
    "recvfrom": datagram(lambda: v.recvfrom(100)),
    "recvfrom_into": datagram(lambda: v.recvfrom_into(room)),
    "recvmsg": there(lambda: b.recvmsg(100, 100)),
    "recvmsg_into": there(lambda: b.recvmsg_into([room, room])),
    "recvmmsg": datagram(lambda: v.recvmmsg(8, 1000)),
    "send": back(lambda: a.send(DATA)),
    "sendall": back(lambda: a.sendall(memoryview(DATA))),
    "sendfile": lambda: send_a_file(),
    "sendmsg": sendmsg_rights,
    "sendmmsg": gone(lambda: u.sendmmsg([(DATA, V)])),
    "send_segmented": gone(lambda: u.send_segmented(DATA, 100, V)),
    "sendto": gone(lambda: u.sendto(DATA, V)),
    "set_gro": lambda: v.set_gro(False),
    "set_inheritable": lambda: a.set_inheritable(False),
    "setblocking": lambda: a.setblocking(False),
    "setsockopt": lambda: a.setsockopt(net.SOL_SOCKET, net.SO_RCVLOWAT, 1),
    "settimeout": lambda: (a.settimeout(1.5), a.settimeout(None), a.settimeout(0)),
    "shutdown": lambda: shut(),
}
FUNCTIONS = {
    "DatagramBatch": lambda: net.DatagramBatch(3, 100),
    "EpollSelector": select_once,
    "capabilities": lambda: net.capabilities(u),
    "close": lambda: net.close(os.dup(0)),
    "create_connection": connect,
    "create_server": lambda: net.create_server(("127.0.0.1", 0)).close(),
    "dup": lambda: os.close(net.dup(0)),
    "fromfd": lambda: net.fromfd(a.fileno(), net.AF_UNIX, net.SOCK_STREAM).close(),
    "getaddrinfo": lambda: (net.getaddrinfo("127.0.0.1", 80), net.getaddrinfo("localhost", "80")),
    "gethostbyname": lambda: net.gethostbyname("127.0.0.1"),
    "getservbyname": lambda: net.getservbyname("http"),
    "htons": lambda: net.htons(300),
    "htonl": lambda: net.htonl(300),
    "ntohs": lambda: net.ntohs(300),
    "ntohl": lambda: net.ntohl(300),
    "inet_aton": lambda: net.inet_aton("127.0.0.1"),
    "inet_ntoa": lambda: net.inet_ntoa(b"\1\2\3\4"),
    "inet_ntop": lambda: net.inet_ntop(net.AF_INET6, bytes(16)),
    "inet_pton": lambda: net.inet_pton(net.AF_INET6, "::1"),
    "install": lambda: install_once(),
    "installed": lambda: installed_once(),
    "new_event_loop": lambda: net.new_event_loop().close(),
    "parse_ancillary": lambda: repr(net.parse_ancillary([(0, 1, bytes(16)), (0, 8, bytes(12))])),
    "run": lambda: net.run(turns()),
    "set_gil_hold": lambda: net.set_gil_hold(16384),
    "socket": lambda: net.socket().close(),
    "socketpair": lambda: close_all(net.socketpair()),
    "uninstall": lambda: net.uninstall(),
}
OTHERS = {
    "DatagramBatch.recv_into": datagram(batch_round),
    "DatagramBatch.send": lambda: (batch.send(v, 0), batch.send(v, None, U), u.recv(1000)),
    "SocketIO.readinto": there(lambda: read_once()),
    "SocketIO.write": back(lambda: write_once()),
    "non-blocking receives": lambda: fails_each(),
    "asyncio.run": lambda: asyncio.run(turns()),
}


def bind_one():
    with net.socket() as sock:
        sock.bind(("127.0.0.1", "0"))


def shut():
    for sock in (pair := net.socketpair()):
        sock.shutdown(net.SHUT_RDWR)
    close_all(pair)


def send_a_file():
    with open(__file__, "rb") as file, net.create_connection(L) as client:
        with listener.accept()[0]:
            client.sendfile(file, 0, 100)


def install_once():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of ssl, if something has imported it
        net.install()
    net.uninstall()


def installed_once():
    with net.installed():
        pass


def read_once():
    with b.makefile("rb", buffering=0) as file:
        return file.readinto(room)


def write_once():
    with a.makefile("wb", buffering=0) as file:
        return file.write(DATA)


def fails_each():
    for call in (b.recv, b.recvfrom, b.recvmsg):
        try:
            call(100)
        except BlockingIOError:
            pass
        try:
            call(100_000)
        except BlockingIOError:
            pass


def by_signature(owner, name):
    """A call of what has no line above, by the names of its parameters; None if one is unknown."""
    method = getattr(owner, name)
    try:
        given = arguments(method, room, DATA if name.startswith("send") else None)
    except (TypeError, ValueError):
        return None
    if given is None:
        return None
    if name.startswith("recv"):
        return there(lambda: method(b, *given))
    return back(lambda: method(a, *given)) if name.startswith("send") else None


def main():
    gc.collect()
    gc.freeze()  # what there is already: each look is quick then
    closed = net.socket()
    closed.close()
    odd = object()
    for name in sorted(name for name in dir(net.socket) if not name.startswith("_")):
        method = getattr(net.socket, name)
        if not callable(method) or isinstance(method, type):
            continue
        call = METHODS.get(name) or by_signature(net.socket, name)
        if call:
            measure(f"socket.{name}", call, [DATA, V, room, net.socket])
        for given in ((), (odd,), (odd, odd), (10,), (DATA, odd), ([DATA, odd],), (("::1", odd),)):
            watched = [DATA, odd, a, net.socket]
            shape = ", ".join(type(value).__name__ for value in given)
            call = functools.partial(method, closed, *given)
            measure(f"socket.{name}({shape}), closed", call, watched)
            if name not in ("close", "detach", "makefile", "shutdown", "bind", "listen"):
                measure(f"socket.{name}({shape})", functools.partial(method, a, *given), watched)
                try:
                    while b.recv(100_000):
                        pass
                except OSError:
                    pass
    for name in sorted(name for name in net.__all__ if callable(getattr(net, name))):
        function = getattr(net, name)
        if name in FUNCTIONS:
            measure(name, FUNCTIONS[name], [DATA, net.socket])
        if inspect.isclass(function) and name not in ("DatagramBatch", "EpollSelector", "socket"):
            continue
        if name in ("fromfd", "close", "dup", "sethostname", "install", "create_server"):
            continue  # would act upon this process, or this machine
        for given in ((odd,), (odd, odd), (10, odd), ("\ud800", odd), (DATA, odd)):
            shape = ", ".join(type(value).__name__ for value in given)
            measure(f"{name}({shape})", functools.partial(function, *given), [DATA, odd])
    for name, call in OTHERS.items():
        if batch is not None or "Batch" not in name:
            measure(name, call, [DATA, V, batch])
    for name, call in LoopCalls(net).calls().items():
        measure(name, call, [DATA])


if __name__ == "__main__":
    main()
