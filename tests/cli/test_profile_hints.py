"""The hints of `--profile`: each where the figures say so, and nowhere else."""

import pytest

HINTED = {
    "a Stream receives many at once": """\
import socket
a, b = socket.socketpair()
for _ in range(1500):
    a.send(b"x" * 8), b.recv(4), b.recv(4)
""",
    "sendmmsg sends many at once": """\
import socket
with socket.socket(type=socket.SOCK_DGRAM) as a, socket.socket(type=socket.SOCK_DGRAM) as b:
    b.bind(("127.0.0.1", 0))
    _, port = b.getsockname()
    for _ in range(3000):
        a.sendto(b"x", ("127.0.0.1", port))
""",
    "256 KiB asked for, 90 B got": """\
import socket
a, b = socket.socketpair()
for _ in range(1500):
    a.send(b"x" * 90), b.recv(262144)
""",
    "would have blocked": """\
import socket
a, b = socket.socketpair()
a.setblocking(False)
for _ in range(1500):
    try: a.recv(1)
    except BlockingIOError: pass
""",
    "keep connections open": """\
import socket
with socket.create_server(("127.0.0.1", 0)) as listener:
    for _ in range(120):
        with socket.create_connection(listener.getsockname()) as client:
            client.sendall(b"request")
            listener.accept()[0].close()
""",
    "no socket library will help": """\
import socket
a, b = socket.socketpair()
for _ in range(10):
    a.send(b"x"), b.recv(1)
    sum(range(400_000))
""",
}


@pytest.mark.parametrize("hint", HINTED)
def test_hint_where_the_figures_say_so(profile, hint):
    facts = profile(HINTED[hint])
    (given,) = facts["hints"]
    assert hint in given


def test_no_hint_to_join_what_is_asked_and_answered(profile):
    facts = profile("""\
import socket
a, b = socket.socketpair()
with socket.socket(type=socket.SOCK_DGRAM) as c:
    c.bind(("127.0.0.1", 0))
    address = c.getsockname()
    for _ in range(1500):
        a.send(b"x" * 40), b.recv(100)
        c.sendto(b"x", address), c.recvfrom(100)
""")
    assert facts["hints"] == []
