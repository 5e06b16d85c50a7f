"""Ends that bytes are moved between, and threads that feed, move and collect them."""

import contextlib
import fcntl
import os
import signal
import socket
import threading
import time

MUCH = 3_000_000  # more than any buffers on the way hold
MODES = {"blocking": None, "timeout": 30, "non-blocking": 0}
CHANNELS = ("tcp", "unix", "pipe")


class Pipe:
    """One end of a pipe, with what sockets have."""

    def __init__(self, fd):
        self._file = open(fd, "rb" if readable(fd) else "wb", buffering=0)
        self.fileno, self.close = self._file.fileno, self._file.close

    def settimeout(self, seconds):
        os.set_blocking(self.fileno(), seconds is None)

    def recv(self, count):
        return os.read(self.fileno(), count)

    def sendall(self, data):
        data = memoryview(data)
        while data:
            data = data[os.write(self.fileno(), data) :]

    def finish(self):
        self.close()


def readable(fd):
    return fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY


def finish(end):
    """No more bytes will come from this end."""
    end.finish() if isinstance(end, Pipe) else end.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def channels(module):
    """A function that makes connected ends: what is sent into the first comes out of the second."""
    with contextlib.ExitStack() as stack:

        def channel(kind):
            if kind == "tcp":
                with module.create_server(("127.0.0.1", 0)) as listener:
                    # Buffers that do not grow: else some megabytes are on the way.
                    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 17)
                    a = module.create_connection(listener.getsockname())
                    a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 17)
                    b, _ = listener.accept()
            elif kind == "unix":
                a, b = module.socketpair()
            else:
                r, w = os.pipe()
                a, b = Pipe(w), Pipe(r)
            stack.callback(a.close)
            stack.callback(b.close)
            return a, b

        yield channel


class Feeding(threading.Thread):
    """Send data into one end, and finish it."""

    def __init__(self, end, data, finishes=True):
        super().__init__()
        self.end, self.data, self.finishes = end, data, finishes
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            self.end.sendall(self.data)
            if self.finishes:
                finish(self.end)


class Collecting(threading.Thread):
    """Receive all that comes out of one end."""

    def __init__(self, end):
        super().__init__()
        self.end, self.got = end, bytearray()
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            while piece := self.end.recv(1 << 16):
                self.got += piece


class Splicing(threading.Thread):
    """One splice in another thread."""

    def __init__(self, pysock, *arguments, **more):
        super().__init__()
        self.call = lambda: pysock.splice(*arguments, **more)
        self.result = None
        self.start()

    def run(self):
        try:
            self.result = self.call()
        except Exception as error:
            self.result = error

    def cpu(self):
        return time.clock_gettime(time.pthread_getcpuclockid(self.ident))


def rest(end):
    """All that is still to come out of one end that was finished."""
    end.settimeout(None)
    got = bytearray()
    while piece := end.recv(1 << 20):
        got += piece
    return bytes(got)


def is_idle(thread):
    """Whether a thread that moves bytes has come to a halt, and uses no CPU there."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        before = thread.cpu()
        time.sleep(0.05)
        if thread.cpu() - before < 0.01:
            return True
    return False


@contextlib.contextmanager
def alarm(handler, *times):
    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, *times)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def raise_zero_division(*_):
    raise ZeroDivisionError
