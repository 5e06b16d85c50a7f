"""More than one interpreter, more than one process: import works or falls back, never crashes.

The C layer keeps state of the process's (the class it makes, spare buffers) and so serves one
interpreter, the first that imports it; every other gets the fallback, and is told so.
"""

import os
import subprocess
import sys
import threading

import pytest
from support.paths import ROOT

PROGRAM = '''
import sys
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

def create(isolated):
    """With a GIL of its own, from 3.12 on, or sharing everything that can be shared."""
    try:
        return interpreters.create("isolated" if isolated else "legacy")
    except TypeError:
        return interpreters.create(isolated=isolated)

USE = """
import sys, warnings
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    import pysock
with pysock.create_server(("127.0.0.1", 0)) as listener:
    with pysock.create_connection(listener.getsockname()) as client:
        server, _ = listener.accept()
        with server:
            client.sendall(b"hello")
            assert server.recv(262144) == b"hello"
            assert type(server) is type(client) is pysock.socket
            client.settimeout(0.001)
            try:
                client.recv(1)
            except TimeoutError:
                pass
a, b = pysock.socketpair()
a.send(b"x"); b.recv(1); a.close(); b.close()
texts = [str(one.message) for one in told]
print(pysock.BACKEND, *["do not load" in text for text in texts],
      *["Build them again" for text in texts if "Build them again" in text], flush=True)
"""
for what in sys.argv[1:]:
    if what == "main":
        exec(USE)
        continue
    interpreter = create(what == "isolated")
    failure = interpreters.run_string(interpreter, USE)
    assert failure is None, failure
    interpreters.destroy(interpreter)
'''
FELL_BACK = "stdlib True"


@pytest.mark.parametrize(
    "order",
    [
        ["main", "shared", "isolated"],
        ["shared", "main", "shared"],
        ["shared", "shared", "main"],
        ["isolated", "main", "isolated"],
        ["isolated", "shared", "main", "shared"],
    ],
    ids=" ".join,
)
def test_interpreters_of_one_process(pysock, order):
    fallback = "1" if pysock.BACKEND == "stdlib" else ""
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", PROGRAM, *order],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYSOCK_NO_EXTENSIONS": fallback},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    if fallback:
        assert lines == ["stdlib"] * len(order)
        return
    # One interpreter has the C layer; one with its own GIL cannot, where there is such a thing.
    able = [i for i, what in enumerate(order) if what != "isolated" or sys.version_info < (3, 12)]
    assert lines == ["c" if i == able[0] else FELL_BACK for i in range(len(order))]


def test_a_child_of_a_process_whose_threads_receive(net):
    """Forked at any moment: no lock is held for ever, no spare buffer is two processes'."""
    over = threading.Event()
    pairs = [net.socketpair() for _ in range(3)]

    def work(a, b):
        while not over.is_set():
            a.sendall(b"x" * 50_000)
            got = 0
            while got < 50_000:
                got += len(b.recv(262_144))

    threads = [threading.Thread(target=work, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    inherited, other = net.socketpair()
    try:
        for _ in range(5):
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    a, b = net.socketpair()
                    for size in (10, 5000, 40_000):
                        a.sendall(b"y" * size)
                        assert b.recv(262_144) == b"y" * size
                    inherited.sendall(b"from the child")
                    status = 0
                finally:
                    os._exit(status)
            assert os.waitpid(child, 0)[1] == 0
            assert other.recv(100) == b"from the child"
    finally:
        over.set()
        for thread in threads:
            thread.join()
        for sock in (inherited, other, *sum(pairs, ())):
            sock.close()


def test_one_socket_in_many_threads_whatever_they_do(net):
    """Sent, received, timed, asked and closed at once: each call returns or raises OSError."""
    for _ in range(6):
        a, b = net.socketpair()
        a.settimeout(1)
        b.settimeout(0.2)
        surprises = []

        def repeat(call, surprises=surprises):
            for _ in range(300):
                try:
                    call()
                except OSError:
                    pass
                except BaseException as error:
                    surprises.append(error)

        calls = [
            lambda a=a: a.send(b"z" * 3000, net.MSG_DONTWAIT),
            lambda b=b: b.recv(100_000, net.MSG_DONTWAIT),
            lambda b=b: b.recvmsg_into([bytearray(2000)], 0, net.MSG_DONTWAIT),
            lambda a=a: (a.settimeout(0.1), a.settimeout(1)),
            lambda a=a: (a.getsockname(), a.fileno(), a.family, repr(a)),
        ]
        threads = [threading.Thread(target=repeat, args=[call]) for call in calls]
        for thread in threads:
            thread.start()
        a.close()
        b.close()
        for thread in threads:
            thread.join()
        assert surprises == []
