"""cProfile says which calls a function makes, and what kind of function each of them is."""

import cProfile
import pstats
import selectors
import socket
import tempfile

from shown import say

a, b = socket.socketpair()
listener = socket.create_server(("127.0.0.1", 0))
address = listener.getsockname()
file = tempfile.TemporaryFile()
file.write(b"x" * 100)
file.flush()
datagrams = socket.socket(type=socket.SOCK_DGRAM)
datagrams.bind(("127.0.0.1", 0))
selector = selectors.EpollSelector()
selector.register(b, 1)


def connect_and_accept():
    client = socket.socket()
    client.connect(address)
    server, _ = listener.accept()
    server.close()
    client.close()


def by_helpers():
    with socket.create_connection(address):
        pass
    one, other = socket.socketpair()
    one.dup().close()
    socket.fromfd(other.fileno(), one.family, one.type).close()
    one.close()
    other.detach()


def transfers():
    a.send(b"1")
    b.recv(1)
    a.sendall(b"1")
    b.recv_into(bytearray(1))
    a.sendmsg([b"1"])
    b.recvmsg(1)
    a.sendmsg([b"1"])
    b.recvmsg_into([bytearray(1)])
    a.sendfile(file)
    b.recv(1000)
    datagrams.sendto(b"1", datagrams.getsockname())
    datagrams.recvfrom(1)
    datagrams.sendto(b"1", datagrams.getsockname())
    datagrams.recvfrom_into(bytearray(1))


def the_rest():
    a.settimeout(5)
    a.gettimeout()
    a.setblocking(True)
    a.getblocking()
    a.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)
    a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 5000)
    a.fileno()
    a.getpeername()
    a.get_inheritable()
    a.set_inheritable(False)
    repr(a)
    a.makefile("rb").close()
    a.shutdown(socket.SHUT_RD)
    datagrams.connect_ex(datagrams.getsockname())


def names_and_numbers():
    socket.getaddrinfo("127.0.0.1", 80)
    socket.gethostbyname("127.0.0.1")
    socket.getnameinfo(("127.0.0.1", 80), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)
    socket.htons(1)
    socket.ntohs(1)
    socket.htonl(1)
    socket.ntohl(1)
    socket.inet_aton("127.0.0.1")
    socket.inet_ntoa(b"1234")
    socket.inet_pton(socket.AF_INET, "127.0.0.1")
    socket.inet_ntop(socket.AF_INET, b"1234")
    socket.getdefaulttimeout()


def selecting():
    selector.modify(b, 3)
    selector.select(0)
    selector.unregister(b)
    selector.register(b, 1)
    selector.get_map()
    selector.get_key(b)
    selector.close()


def profiled(function):
    profile = cProfile.Profile()
    profile.runcall(function)
    return pstats.Stats(profile).stats


def label(key):
    """A function of Python by its name alone: its file and line are another's."""
    file, _, name = key
    return name if file == "~" else f"{name}()"


def called_by(function, stats):
    for key, (_, calls, _, _, callers) in stats.items():
        if any(caller[2] == function.__name__ for caller in callers):
            yield label(key), calls


for function in (
    connect_and_accept,
    by_helpers,
    transfers,
    the_rest,
    names_and_numbers,
    selecting,
):
    for name, calls in sorted(called_by(function, profiled(function))):
        say(function.__name__, name, str(calls))
