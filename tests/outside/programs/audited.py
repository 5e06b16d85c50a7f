"""sys.addaudithook: the events of sockets, in their order and with their arguments."""

import socket
import sys
import tempfile

from shown import plain, say

file = tempfile.TemporaryFile()
file.write(b"x" * 100)
file.flush()
# Of an import, which looks into the folder and writes the bytecode. When a module is first needed
# differs.
OF_IMPORTS = {"os.listdir", "os.mkdir", "os.rename"}
events = []
hearing = False


def shown(value):
    if isinstance(value, socket.socket):
        return type(value).__name__
    return "PORT" if isinstance(value, int) and value > 1023 else plain(value)


def hook(event, args):
    area = event.partition(".")[0]
    if hearing and area in ("socket", "os", "select", "pickle") and event not in OF_IMPORTS:
        # Numbers over 1023 are ports that the kernel chose.
        events.append((event, [shown(each) for each in args if event.startswith("socket")]))


sys.addaudithook(hook)


def connecting():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with socket.create_connection(listener.getsockname()) as client:
            server, _ = listener.accept()
            server.close()
            client.shutdown(socket.SHUT_RDWR)


def pairs():
    a, b = socket.socketpair()
    with a, b, a.dup():
        a.sendmsg([b"x"])
        a.sendfile(file)
        a.makefile("rb").close()
    with socket.socket(fileno=socket.socket().detach()):
        pass


def datagrams():
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.sendto(b"x", sock.getsockname())
        sock.sendto(b"x", 0, sock.getsockname())
        sock.sendmsg([b"x"], [], 0, sock.getsockname())
        sock.connect_ex(sock.getsockname())
        sock.sendmsg([b"x"])


def names():
    socket.getaddrinfo("127.0.0.1", 80)
    socket.getaddrinfo(None, "80")
    socket.gethostbyname("127.0.0.1")
    socket.getnameinfo(("127.0.0.1", 80), 3)
    socket.gethostname()
    socket.getservbyname("http")
    socket.getservbyport(80)


def failing():
    with socket.socket() as sock:
        for call, address in (
            (sock.connect, ("127.0.0.1", 1)),
            (sock.connect, "wrong"),
            (sock.bind, ("127.0.0.1", 70000)),
            (sock.bind, None),
            (sock.connect_ex, ("127.0.0.1", 1)),
        ):
            try:
                call(address)
            except (OSError, TypeError, OverflowError):
                pass


for work in (connecting, pairs, datagrams, names, failing):
    hearing = True
    work()
    hearing = False
    for event, args in events:
        say(work.__name__, event, args)
    events.clear()
