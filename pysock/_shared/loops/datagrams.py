"""The batch calls as loops over the standard library: one system call a datagram.

The fallback's own methods, and what the C backend hands a call to that it does not know completely:
another family, a flag that means something else for many, an address that needs a resolver.
They call the socket's own `sendmsg` and `recvmsg`: a class that has others, as that of `ssl` which
refuses them, is not passed by.
"""

import errno
import select
import socket as _stdlib
import struct
import time

from .. import original
from ..address import standard_address
from ..arguments import as_int, as_size, memory_of, must_be_socket
from ..socket_state import defer_error, entries, raise_deferred

_UDP_MOST = 65535
_SOL_UDP, _UDP_GRO = 17, 104
_GRO_ROOM = _stdlib.CMSG_SPACE(4) + 512
_DONTWAIT = _stdlib.MSG_DONTWAIT
_CONNECTED = (_stdlib.SOCK_STREAM, _stdlib.SOCK_SEQPACKET)


def capabilities(sock=None, /):
    """Return what can be done for many datagrams at once: nothing, each number says 1 (or 0)."""
    if sock is not None:
        must_be_socket(sock)
    return {"gso_segments": 1, "gro_segments": 1, "batch": 1, "zerocopy": 0}


def is_udp(sock):
    return (
        sock.family in (_stdlib.AF_INET, _stdlib.AF_INET6)
        and sock.type == _stdlib.SOCK_DGRAM
        and sock.proto in (0, _stdlib.IPPROTO_UDP)
    )


def set_gro(self, on=True, /):
    """Leave a UDP socket as it is: nothing is joined here, `capabilities()["gro_segments"]` is 1.

    OSError for any other socket, as from the kernel.
    """
    value = 1 if on else 0
    if not is_udp(self) or self.fileno() < 0:
        original.socket.setsockopt(self, _SOL_UDP, _UDP_GRO, value)


def gro_joins(sock):
    """Whether the kernel joins datagrams for *sock*: somebody may have set the option by hand."""
    try:
        return is_udp(sock) and original.socket.getsockopt(sock, _SOL_UDP, _UDP_GRO) != 0
    except OSError:
        return False


def not_for_batches(sock):
    """The exception for a socket that a DatagramBatch cannot receive from."""
    return OSError(
        errno.EOPNOTSUPP, f"a DatagramBatch takes no {sock.type!r} of {sock.family!r} sockets"
    )


# Sending


def _snapshot(messages, address):
    """Every message as (memory, address), with the memory held: nothing changes after this."""
    made = []
    for item in tuple(messages):
        if isinstance(item, tuple):
            if len(item) != 2:
                raise TypeError("a message must be a bytes-like object or a pair (buffer, address)")
            item, peer = item
        else:
            peer = address
        made.append((memory_of(item), peer))
    return made


def _waiter(sock, event):
    """A function that tells whether *event* comes within some seconds.

    The standard library's own wait is a whole timeout, for every datagram anew.
    """
    if sock.fileno() < 0:
        return lambda seconds: True  # for the call itself to say what is wrong
    poll = select.poll()
    poll.register(sock.fileno(), event)
    return lambda seconds: bool(poll.poll(seconds * 1000))


def _send_all(sock, messages, flags):
    """Send the (memory, address) pairs: how many, and their bytes."""
    timeout = sock.gettimeout()
    deadline = time.monotonic() + timeout if timeout else None
    if entries:
        raise_deferred(sock)
    count = sent = 0
    known = {}
    writable = _waiter(sock, select.POLLOUT) if timeout else None
    for data, address in messages:
        if address is not None:
            try:
                place = known[id(address)]
            except KeyError:
                place = known[id(address)] = standard_address(sock, address)
            address = place
        if deadline is not None and not writable(max(0, deadline - time.monotonic())):
            if count == 0:
                raise TimeoutError("timed out")
            break
        try:
            sent += sock.sendmsg([data], [], flags, address)
        except OSError as error:
            timed_out = timeout and isinstance(error, TimeoutError)
            # Without an errno it is not the kernel's: the handler of a signal raised it.
            if count == 0 or (error.errno is None and not timed_out):
                raise
            if not timed_out and not isinstance(error, BlockingIOError):
                defer_error(sock, error)
            break
        count += 1
    return count, sent


def sendmmsg(self, messages, address=None, flags=0):
    """Send many datagrams, in order; return how many went out.

    *messages* is an iterable of bytes-like objects, for the peer of a connected socket or for
    *address*, and of pairs (bytes-like object, address). Waits as the socket's timeout says, for
    all of them together. Returns early when the timeout is over or the socket is non-blocking and
    full; an error at a later datagram than the first is raised by the next batch call on it.
    Raises TimeoutError, BlockingIOError, OSError when nothing was sent. Audit event
    `socket.sendmsg`, once for each datagram.
    """
    flags = as_int(flags)
    return _send_all(self, _snapshot(messages, address), flags)[0]


def send_segmented(self, buffer, segment_size, address=None, flags=0):
    """Send *buffer* as datagrams of *segment_size* bytes each; return the number of bytes sent.

    The last datagram has what is left; an empty buffer is none. Waits, returns early and raises as
    `sendmmsg` does. ValueError where *segment_size* is not 1 to 65535.
    """
    segment_size, flags = as_size(segment_size), as_int(flags)
    if not 1 <= segment_size <= 65535:
        raise ValueError("segment_size must be 1 to 65535")
    [(view, peer)] = _snapshot([buffer], address)
    pieces = range(0, len(view), segment_size)
    return _send_all(self, [(view[at : at + segment_size], peer) for at in pieces], flags)[1]


# Receiving


def split(data, ancdata, bufsize):
    """The datagrams that *data* was joined from, each cut at *bufsize*; [data] if from none."""
    for level, kind, value in ancdata:
        if (level, kind) == (_SOL_UDP, _UDP_GRO) and len(value) >= 4:
            size = struct.unpack_from("i", value)[0]
            if 0 < size < len(data):
                return [data[at : at + size][:bufsize] for at in range(0, len(data), size)]
    return [data[:bufsize]]


def receive(sock, max_messages, room, ancillary_room, flags):
    """Wait for one message, take what else is there: a list of what `recvmsg` returns."""
    if entries:
        raise_deferred(sock)
    came = [sock.recvmsg(room, ancillary_room, flags)]
    if flags & _stdlib.MSG_PEEK:
        return came
    timeout = sock.gettimeout()
    readable = _waiter(sock, select.POLLIN)
    may_end = sock.type in _CONNECTED
    while len(came) < max_messages:
        if may_end and not came[-1][0]:
            break  # the peer's end, which every further receive would bring again
        try:
            if timeout and not readable(0):
                break
            came.append(sock.recvmsg(room, ancillary_room, flags | _DONTWAIT))
        except BlockingIOError:
            break
        except OSError as error:
            defer_error(sock, error)
            break
    return came


def recvmmsg(self, max_messages, bufsize, flags=0):
    """Wait for a datagram, take what else has arrived; return a list of (bytes, address).

    At most *max_messages*, of at most *bufsize* bytes each, the rest of a longer one being lost as
    in `recvfrom`. What the kernel joined (UDP_GRO) is split. An error after the first datagram is
    raised by the next batch call. Raises TimeoutError, BlockingIOError, OSError; ValueError for a
    *max_messages* below 1 or a negative *bufsize*.
    """
    max_messages, bufsize, flags = as_size(max_messages), as_size(bufsize), as_int(flags)
    if max_messages < 1:
        raise ValueError("max_messages must be at least 1")
    if bufsize < 0:
        raise ValueError("negative buffersize in recvmmsg")
    joins = gro_joins(self)
    room = bufsize
    if joins or (is_udp(self) and room > _UDP_MOST):
        room = _UDP_MOST
    return [
        (datagram, address)
        for data, ancdata, _, address in receive(
            self, max_messages, room, _GRO_ROOM if joins else 0, flags
        )
        for datagram in split(data, ancdata, bufsize)
    ]
