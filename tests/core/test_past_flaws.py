"""Flaws that socket libraries have had, CPython's first of all: each must be absent here.

The interpreter's own CVEs and crashes, libuv's, netty's, lsquic's. What they have in common is a
bound that one call checked and the next one did not, a name that was cut, memory that moved while a
call held on to it. `socket` itself is one of the legs where the call is its, too.
"""

import asyncio
import contextlib
import os
import socket
import struct
import sys
import types

import pytest

# A bound that is missing: CVE-2014-1912 (recvfrom_into), and again in asyncio twelve years later.


def guarded(size):
    """A writable view of *size* bytes amid others, and a function: are those untouched?"""
    room = bytearray(b"\xa5" * (size + 200))
    view = memoryview(room)[100 : 100 + size]

    def intact():
        return room[:100] == room[100 + size :] == b"\xa5" * 100

    return view, intact


@pytest.mark.parametrize("name", ["recv_into", "recvfrom_into"])
@pytest.mark.parametrize(
    "size, nbytes", [(1, 2), (8, 9), (8, 4096), (0, 1), (8, sys.maxsize), (8, -1)]
)
def test_cve_2014_1912_more_bytes_than_the_buffer_holds(net, pair, name, size, nbytes):
    a, b = pair
    a.sendall(b"x" * 100)
    view, intact = guarded(size)
    with pytest.raises(ValueError):
        getattr(b, name)(view, nbytes)
    assert intact() and bytes(view) == b"\xa5" * size
    assert b.recv(200) == b"x" * 100  # refused before anything was taken


def drain(sock):
    """Take what is there."""
    with contextlib.suppress(BlockingIOError):
        while sock.recv(65536, socket.MSG_DONTWAIT):
            pass


INTO_ARGUMENTS = {"recvmsg_into": lambda view: ([view[:3], view[3:]],)}


def names_of_into(cls):
    return sorted(name for name in dir(cls) if name.endswith("_into"))


def test_nothing_is_written_beside_a_buffer(net, pair):
    """By any method of the class that receives into one, those to come included."""
    a, b = pair
    for name in names_of_into(net.socket):
        view, intact = guarded(10)
        a.sendall(b"0123456789" * 50)
        arguments = INTO_ARGUMENTS.get(name, lambda view: (view,))(view)
        getattr(b, name)(*arguments)
        assert intact(), name
        assert bytes(view) == b"0123456789", name
        drain(b)


@pytest.mark.parametrize("gro", [False, True])
def test_nothing_is_written_beside_the_slot_of_a_batch(pysock, udp_pair, gro):
    """lsquic gave recvmmsg(2) more room a slot than there was."""
    a, b = udp_pair
    b.settimeout(5)
    b.set_gro(gro)
    batch = pysock.DatagramBatch(8, 16)
    a.connect(b.getsockname())
    sizes = [16, 17, 15, 4000, 16, 60_000, 1]
    for size in sizes:
        a.send(bytes([size % 256]) * size)
    seen = []
    while len(seen) < len(sizes):
        batch.recv_into(b)
        seen += [(bytes(datagram), datagram.truncated) for datagram in batch]
    assert seen == [(bytes([size % 256]) * min(size, 16), size > 16) for size in sizes]


@pytest.mark.parametrize("bufsize", [-1, -(2**31), -(2**63)])
def test_a_negative_size(net, pair, bufsize):
    for call in (pair[1].recv, pair[1].recvfrom, pair[1].recvmsg):
        with pytest.raises((ValueError, OverflowError)):
            call(bufsize)


def test_cpython_148808_the_bound_holds_through_asyncio(net, udp_pair):
    a, b = udp_pair
    a.sendto(b"x" * 100, b.getsockname())
    b.setblocking(False)
    view, intact = guarded(8)

    async def main():
        loop = asyncio.get_running_loop()
        receive = getattr(loop, "sock_recvfrom_into", None)  # since 3.11
        if receive is None:
            return b.recvfrom_into(view, 9)
        return await receive(b, view, 9)

    with pytest.raises(ValueError):
        asyncio.run(main())
    assert intact()


# Python code that runs in the middle of a call: cpython#143637, #143988. Not on the leg `socket`:
# the interpreters that have these flaws crash in it.


class Strikes:
    """A number whose conversion does something else, too."""

    def __init__(self, number, deed):
        self.number, self.deed = number, deed

    def __index__(self):
        self.deed()
        return self.number


class Exporter:
    """A buffer whose export does something else, too: since 3.12; before, it is no buffer."""

    def __init__(self, data, deed):
        self.data, self.deed = data, deed

    def __buffer__(self, flags):
        self.deed()
        return memoryview(self.data)


def test_cpython_143637_sendmsg_while_its_lists_change(pysock, pair):
    a, b = pair
    for _ in range(50):
        buffers = [bytearray(b"0123456789") for _ in range(30)]
        ancdata = [(1, 2, bytearray(8)) for _ in range(10)]

        def deed(buffers=buffers, ancdata=ancdata):
            buffers.clear()
            ancdata.clear()

        ancdata[0] = (Strikes(1, deed), Strikes(12345, deed), bytearray(8))
        with pytest.raises(OSError):
            a.sendmsg(buffers, ancdata)
        buffers[:] = [bytearray(b"0123456789") for _ in range(30)]
        buffers[3] = Exporter(b"from inside", deed)
        try:
            a.sendmsg(buffers)
        except TypeError:
            continue
        drain(b)


def test_cpython_143988_recvmsg_into_while_its_list_changes(pysock, pair):
    a, b = pair
    for _ in range(50):
        a.sendall(b"x" * 200)
        rooms = [bytearray(10) for _ in range(30)]
        rooms[2] = Exporter(bytearray(10), rooms.clear)
        try:
            b.recvmsg_into(rooms)
        except TypeError:
            pass
        rooms[:] = [bytearray(10) for _ in range(30)]
        a.sendall(b"y" * 200)
        b.recvmsg_into(rooms, Strikes(0, rooms.clear))
        drain(b)
        a.sendall(b"z")
        assert b.recv(1) == b"z"


def test_a_buffer_cannot_shrink_under_a_call(net, pair):
    """Its memory is held: a resize is refused, in a deed or in another thread."""
    a, b = pair
    room = bytearray(100_000)

    def shrink():
        with pytest.raises(BufferError):
            room.clear()

    a.sendall(b"x")
    # Converted before the buffers are taken, or after: both are safe.
    b.recvmsg_into([room], Strikes(0, lambda: room.extend(b"y")))
    a.sendall(b"x")
    view = memoryview(room)
    shrink()
    assert b.recv_into(view) == 1


def test_a_socket_that_is_closed_by_its_own_arguments(net):
    calls = [
        lambda s, deed: s.recv(Strikes(10, deed)),
        lambda s, deed: s.recv(10, Strikes(0, deed)),
        lambda s, deed: s.recv_into(bytearray(10), Strikes(5, deed)),
        lambda s, deed: s.send(b"x", Strikes(0, deed)),
        lambda s, deed: s.sendmsg([b"x"], [], Strikes(0, deed)),
        lambda s, deed: s.recvmsg(10, Strikes(0, deed)),
        lambda s, deed: s.setsockopt(net.SOL_SOCKET, Strikes(net.SO_SNDBUF, deed), 4096),
        lambda s, deed: s.listen(Strikes(1, deed)),
        lambda s, deed: s.shutdown(Strikes(2, deed)),
    ]
    for call in calls:
        a, b = net.socketpair()
        with a, b:
            with pytest.raises(OSError):
                call(a, a.close)


def test_messages_that_change_while_they_are_gathered(pysock, udp_pair):
    a, b = udp_pair
    a.connect(b.getsockname())
    b.settimeout(5)
    messages = [b"x"] * 10

    def generate():
        yield b"first"
        messages.clear()
        yield from messages
        yield Exporter(b"last", messages.clear)

    try:
        assert a.sendmmsg(generate()) == 2
        assert [data for data, _ in b.recvmmsg(10, 10)] == [b"first", b"last"]
    except TypeError:  # an Exporter is no buffer before 3.12
        b.setblocking(False)
        with pytest.raises(BlockingIOError):
            b.recv(10)  # and nothing went out: all is held before the first datagram goes
    pysock.parse_ancillary([(Strikes(1, messages.clear), 2, bytearray(8))])


# Addresses packed and unpacked: bpo-35050 (AF_ALG, one byte too many), #31927 (AF_BLUETOOTH read
# what was not there), nix#2177 (an address that the kernel never wrote).

ODD_ADDRESSES = [
    (),
    ("",),
    ("a" * 13, "b" * 63),
    ("a" * 14, "b" * 64),
    ("a" * 15, "b" * 65),
    ("a" * 14, "b" * 64, 0, 0),
    ("00:00:00:00:00:00", 1),
    ("00:00:00:00:00:00", 1 << 40),
    b"00:00:00:00:00:00",
    (0,),
    (-1, -1),
    (1 << 32, 0),
    ("lo", 0, 0, 0, b"x" * 300),
    ("x" * 16, 0),
    "a" * 200,
    b"\0" * 200,
    12,
    None,
    (b"x" * 1000,),
]
KNOWN = {socket.AF_INET, socket.AF_INET6, socket.AF_UNIX}
OTHER_FAMILIES = sorted(
    {value for name, value in vars(socket).items() if name.startswith("AF_")} - KNOWN
)


def outcome(module, family, method, address):
    """What *method* does with *address* on a socket that only says that it is of *family*."""
    a, b = module.socketpair()
    with b, module.socket(family, socket.SOCK_STREAM, 0, fileno=a.detach()) as sock:
        arguments = (b"x", address) if method == "sendto" else (address,)
        try:
            return repr(getattr(sock, method)(*arguments))
        except Exception as error:
            return type(error), getattr(error, "errno", None)


@pytest.mark.parametrize("method", ["bind", "connect", "connect_ex", "sendto"])
@pytest.mark.parametrize("family", OTHER_FAMILIES, ids=str)
def test_bpo_35050_addresses_of_every_other_family(pysock, method, family):
    for address in ODD_ADDRESSES:
        expected = outcome(socket, family, method, address)
        assert outcome(pysock, family, method, address) == expected, address


@pytest.mark.parametrize("label", [socket.AF_INET, socket.AF_INET6, socket.AF_UNIX])
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6, socket.AF_UNIX])
def test_nix_2177_an_address_of_another_family_than_the_sockets(pysock, label, family):
    """What the kernel wrote is what is shown, whatever the socket was said to be.

    The interpreter itself shows bytes that nobody wrote where an AF_INET6 socket was said to be an
    AF_INET one: of the fallback only the port is expected.
    """
    with socket.socket(family, socket.SOCK_DGRAM) as original:
        if family != socket.AF_UNIX:
            original.bind(("", 0))
        expected = original.getsockname()
        with pysock.socket(label, socket.SOCK_DGRAM, 0, fileno=original.detach()) as sock:
            shown = sock.getsockname()
            assert shown == expected or pysock.BACKEND == "stdlib" and shown[1] == expected[1]


def test_an_address_is_shown_without_what_the_kernel_did_not_write(net):
    """Sixteen bytes were shown of an address of twelve: the rest was whatever lay on the stack."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW) as original:
        original.bind((0, 0))
        expected = original.getsockname()
        with net.socket(net.AF_INET, net.SOCK_RAW, 0, fileno=original.detach()) as sock:
            assert sock.getsockname() == expected
            # A kernel's answer to a request for nothing (NLMSG_ERROR), from the kernel: port 0.
            os.write(sock.fileno(), struct.pack("=IHHII", 16, 99, 5, 1, 0))
            for _, address in (sock.recvfrom(1000, net.MSG_PEEK), sock.recvfrom(1000)):
                assert address in ((0, 0), (net.AF_NETLINK, bytes(14)))


# Names that are cut: CVE-2024-24806 (libuv: 256 characters of a host, and the rest forgotten).

ONE_HOST = 0x7F000001


def padded(length):
    """A numeric host of *length* characters for inet_aton(3), and something behind it."""
    return f"0x{ONE_HOST:0{length - 2}x}" + "x" * 80


@pytest.mark.parametrize("length", [15, 45, 46, 63, 64, 108, 254, 255, 256, 257, 1024, 1025])
@pytest.mark.parametrize("kind", [str, str.encode])
def test_cve_2024_24806_a_host_is_never_truncated(net, length, kind):
    host = kind(padded(length))
    with net.create_server(("127.0.0.1", 0)) as listener, net.socket() as sock:
        port = listener.getsockname()[1]
        with net.socket(net.AF_INET, net.SOCK_DGRAM) as udp:
            for call in (
                lambda: net.getaddrinfo(host, port, net.AF_INET),
                lambda: net.gethostbyname(host),
                lambda: net.create_connection((host, port), 5),
                lambda: sock.connect((host, port)),
                lambda: udp.sendto(b"x", (host, port)),
                lambda: udp.bind((host, 0)),
            ):
                with pytest.raises((OSError, UnicodeError)):
                    call()


@pytest.mark.parametrize("host", ["127.0.0.1\0.example", b"127.0.0.1\0.example"])
def test_a_host_with_a_nul_inside_is_not_the_host_before_it(net, host):
    """`getaddrinfo` is the interpreter's here, and some interpreters' cuts (SECURITY.md)."""
    with net.socket(net.AF_INET, net.SOCK_DGRAM) as udp:
        for call in (
            lambda: net.gethostbyname(host),
            lambda: udp.bind((host, 0)),
            lambda: udp.sendto(b"x", (host, 80)),
            lambda: udp.connect((host, 80)),
        ):
            with pytest.raises((OSError, ValueError, TypeError)):
                call()


# Code that was copied, and its flaw with it: CVE-2024-3219 (socketpair over TCP), into gevent.


def test_cve_2024_3219_socketpair_is_the_systems_or_the_interpreters(net):
    a, b = net.socketpair()
    with a, b:
        assert a.family == b.family == net.AF_UNIX
    emulated = getattr(net, "_fallback_socketpair", None)  # the name it has had since its repair
    assert isinstance(emulated, (types.NoneType, types.FunctionType))
    if emulated is not None:
        assert emulated.__code__ is socket._fallback_socketpair.__code__


# An optimisation that drops an invariant: CVE-2024-12254 (asyncio's writelines, no flow control).


def test_cve_2024_12254_a_stalled_peer_is_felt(net, pair):
    """Nothing is queued in the process: what the kernel does not take is the caller's."""
    a, _ = pair
    a.setblocking(False)
    chunk = b"x" * 65536
    with pytest.raises(BlockingIOError):
        for _ in range(10_000):
            a.send(chunk)
    for call in (
        lambda: a.send(chunk),
        lambda: a.sendall(chunk),
        lambda: a.sendmsg([chunk] * 3),
    ):
        with pytest.raises(BlockingIOError):
            call()


# Descriptors: bun and rr lost those that came with MSG_CTRUNC, or with an error.


def test_descriptors_are_closed_where_their_numbers_cannot_be_told(pysock):
    """Neither by a batch, which has no place for them, nor by a plain receive without room."""
    a, b = pysock.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with a, b:
        b.settimeout(5)
        before = sorted(os.listdir("/proc/self/fd"))
        for receive in (
            lambda: b.recvmmsg(8, 100),
            lambda: pysock.DatagramBatch(8, 100).recv_into(b),
            lambda: b.recvmsg(100, 0),
            lambda: b.recv(100),
        ):
            socket.send_fds(a, [b"x"], [0, 1, 2])
            receive()
            assert sorted(os.listdir("/proc/self/fd")) == before
