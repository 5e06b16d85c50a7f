"""Run consumer.pyx, compiled against an installed pysock: what capi.pxd says holds."""

import socket
import sys
import sysconfig
import threading

import consumer

import pysock

# Both declare that they need no GIL.
if sysconfig.get_config_var("Py_GIL_DISABLED"):
    assert not sys._is_gil_enabled()


def raises(expected, function, *arguments):
    try:
        function(*arguments)
    except expected:
        return
    raise AssertionError(f"no {expected.__name__}")


class Whispering(pysock.socket):
    """Has methods of its own, as a TLS socket does, and never takes more than three bytes."""

    def send(self, data, flags=0):
        return super().send(data[:3].swapcase(), flags)

    def recv(self, bufsize, flags=0):
        return super().recv(min(bufsize, 3), flags).swapcase()


class Wrong(pysock.socket):
    answer = None

    def recv(self, bufsize, flags=0):
        return self.answer

    def send(self, data, flags=0):
        return self.answer


def pair(made, other=pysock.socket):
    """Two connected sockets of these classes."""
    a, b = socket.socketpair()
    return made(fileno=a.detach()), other(fileno=b.detach())


for made in (pysock.socket, socket.socket, Whispering):
    a, b = pair(made)
    with a, b:
        a.settimeout(0.05)
        expected = (a.fileno(), a.family, a.type, a.proto, 50_000_000)
        assert consumer.fields(a) == expected
        few = 3 if made is Whispering else 5
        assert consumer.say(a, b"hello") == few
        assert consumer.hear(b, socket.MSG_PEEK).lower() == b"hello"[:few]
        assert len(consumer.hear(b)) == few

        left = []
        assert consumer.say_all(a, b"") == consumer.say_all(a, b"hello") == 1
        assert consumer.say_all(a, b"again", left) == 1 and left == [0]
        b.settimeout(0.05)
        assert consumer.hear_all(b, 10, left)[1].lower() == b"helloagain" and left.pop() == 0
        assert consumer.hear_all(b, 0, left) == (1, b"")
        b.sendall(b"abcd")
        raises(TimeoutError, consumer.hear_all, a, 10, left)
        assert left.pop() == 6
        raises(TimeoutError, consumer.say_all, a, b"x" * 10_000_000, left)
        assert 0 < left.pop() < 10_000_000

        a.setblocking(False)
        raises(BlockingIOError, consumer.hear, a)
    a, b = pair(made)
    with a, b:
        b.sendall(b"end")
        b.close()
        done, came = consumer.hear_all(a, 10, left)
        assert done == 0 and came.lower() == b"end" and left.pop() == 7
        assert consumer.hear(a) == b""
        raises(OSError, consumer.say, a, b"too late")
    raises(OSError, consumer.hear, a)
    raises(OSError, consumer.say_all, a, b"x")
raises(TypeError, consumer.say, None, b"x")
raises(TypeError, consumer.hear_all, None, 3, [])
raises(TypeError, consumer.hear, object())

a, b = pair(Wrong)
with a, b:
    for Wrong.answer, error in ((None, TypeError), ("text", TypeError), (b"x" * 17, OSError)):
        raises(error, consumer.hear, a)
    for Wrong.answer, error in ((None, TypeError), (-1, OSError), (9, OSError)):
        raises(error, consumer.say, a, b"x")

# Waits without the GIL: another thread's bytes end the wait.
a, b = pysock.socketpair()
with a, b:
    thread = threading.Timer(0.1, a.sendall, [b"from a thread"])
    thread.start()
    assert consumer.hear(b) == b"from a thread"
    thread.join()
print("as capi.pxd says")
