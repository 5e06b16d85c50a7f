"""Connections, buffers and counting for the tests of zero-copy sends."""

import contextlib
import hashlib
import resource
import select
import signal
import socket
import sys
import threading

PIECE = 1 << 18
CAP_IPC_LOCK = 14  # linux/capability.h
MSG_ZEROCOPY, SO_ZEROCOPY = 0x4000000, 60  # linux/socket.h, asm-generic/socket.h
IP_RECVERR, SO_TIMESTAMPING = 11, 37
TX_TIMESTAMPS = 1 << 1 | 1 << 4  # SOF_TIMESTAMPING_TX_SOFTWARE, SOF_TIMESTAMPING_SOFTWARE


def lockable():
    """The bytes of memory that the kernel locks for this user, at most (setrlimit(2)).

    Zero-copy sends lock what they send. With more, they copy.
    """
    with open("/proc/self/status") as status:
        [effective] = [line.split()[1] for line in status if line.startswith("CapEff:")]
    if int(effective, 16) >> CAP_IPC_LOCK & 1:
        return sys.maxsize
    limit, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    return sys.maxsize if limit == resource.RLIM_INFINITY else limit


def noise(size, seed=1):
    return hashlib.shake_128(str(seed).encode()).digest(size)


@contextlib.contextmanager
def tcp(module, host="127.0.0.1", *, sndbuf=0, rcvbuf=0):
    family = module.AF_INET6 if ":" in host else module.AF_INET
    with module.socket(family) as listener:
        if rcvbuf:
            listener.setsockopt(module.SOL_SOCKET, module.SO_RCVBUF, rcvbuf)
        listener.bind((host, 0))
        listener.listen()
        client = module.socket(family)
        if sndbuf:
            client.setsockopt(module.SOL_SOCKET, module.SO_SNDBUF, sndbuf)
        client.connect(listener.getsockname())
        server, _ = listener.accept()
    with client, server:
        yield client, server


class Reader(threading.Thread):
    """Reads *sock* to its end."""

    def __init__(self, sock):
        super().__init__()
        self.sock = sock
        self.data = bytearray()
        self.start()

    def run(self):
        while piece := self.sock.recv(1 << 20):
            self.data += piece

    def all(self):
        self.join(60)
        assert not self.is_alive()
        return bytes(self.data)


def fill(sock, buffers):
    """Send from *buffers* until nothing more goes in: the bytes that went, and how many sends.

    That is so when for a while nothing happens any more: acknowledgements may come late.
    """
    timeout = sock.gettimeout()
    sock.setblocking(False)
    went, sends = [], 0
    with contextlib.suppress(BlockingIOError):
        for buffer in buffers:
            n = send_patiently(sock, buffer)
            went.append(bytes(buffer[:n]))
            sends += 1
    sock.settimeout(timeout)
    return b"".join(went), sends


def send_patiently(sock, buffer):
    poll = select.poll()
    poll.register(sock, select.POLLOUT)
    while True:
        try:
            return sock.send_zerocopy(buffer)
        except BlockingIOError:
            sock.zerocopy_pending()  # which takes the notices that poll() reports
            if not poll.poll(50):
                return sock.send_zerocopy(buffer)


def pieces(size=PIECE):
    return (bytearray(noise(size, seed)) for seed in range(1000))


def read_exactly(sock, size):
    data = bytearray()
    while len(data) < size:
        piece = sock.recv(min(1 << 20, size - len(data)))
        assert piece
        data += piece
    return bytes(data)


def errors_of(sock, bufsize=100, ancbufsize=512):
    """Every message of the error queue, by recvmsg."""
    sock.setblocking(False)
    came = []
    with contextlib.suppress(BlockingIOError):
        while True:
            came.append(sock.recvmsg(bufsize, ancbufsize, socket.MSG_ERRQUEUE))
    return came


def origins(messages):
    """ee_origin of each: 2 is ICMP, 4 timestamps, 5 zero-copy."""
    return [
        data[4]
        for _, ancdata, _, _ in messages
        for level, kind, data in ancdata
        if (level, kind) == (0, IP_RECVERR)
    ]


def is_held(buffer):
    try:
        buffer.append(0)
    except BufferError:
        return True
    del buffer[-1]
    return False


@contextlib.contextmanager
def alarm(seconds, action, again=0.0):
    """Run *action* as a signal's handler after some seconds, and again after so many more."""
    before = signal.signal(signal.SIGALRM, lambda *_: action())
    signal.setitimer(signal.ITIMER_REAL, seconds, again)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
