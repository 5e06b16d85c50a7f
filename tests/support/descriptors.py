"""Descriptors to send, and counting them, for the tests of send_fds and recv_fds."""

import contextlib
import gc
import os
import signal

UNIX_KINDS = ("SOCK_STREAM", "SOCK_DGRAM", "SOCK_SEQPACKET")
LOST = "descriptors were lost"


@contextlib.contextmanager
def opening():
    """A function that opens files; all of them are closed in the end."""
    opened = []

    def some(count):
        fds = [os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC) for _ in range(count)]
        opened.extend(fds)
        return fds

    try:
        yield some
    finally:
        close(opened)


def close(fds):
    for fd in fds:
        os.close(fd)


def count_open():
    return len(os.listdir("/proc/self/fd"))


@contextlib.contextmanager
def unix_pair(module, kind):
    a, b = module.socketpair(module.AF_UNIX, getattr(module, kind))
    with a, b:
        yield a, b


@contextlib.contextmanager
def alarm_raises(seconds):
    """Once, and not in a callback of the garbage collector's, where it would go nowhere."""

    def handler(*_):
        raise ZeroDivisionError

    before = signal.signal(signal.SIGALRM, handler)
    gc.disable()
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        gc.enable()
        signal.signal(signal.SIGALRM, before)
