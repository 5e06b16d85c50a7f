"""The batch calls as loops over the standard library: one system call per datagram.

They are the methods of the fallback. The compiled backend calls them for what it does not handle:
another family, a flag that has another meaning for a batch, an address that needs a resolver. They
call the socket's own `sendmsg` and `recvmsg`, so that a class can override these: `ssl.SSLSocket`
refuses them.
"""

import errno
import select
import socket as _stdlib
import sys
import time

from .. import original
from ..address import standard_address
from ..arguments import as_int, as_size, check_socket, readable_view
from ..socket_state import defer_error, entries, raise_deferred

_MAX_UDP = 65535
_SOL_UDP, _UDP_GRO = 17, 104
_GRO_ANCBUFSIZE = _stdlib.CMSG_SPACE(4) + 512
_DONTWAIT = _stdlib.MSG_DONTWAIT
_CONNECTED = (_stdlib.SOCK_STREAM, _stdlib.SOCK_SEQPACKET)


def capabilities(sock=None, /):
    """Return the limits of batch calls. The fallback has no batching: each is 1, zerocopy is 0."""
    if sock is not None:
        check_socket(sock)
    return {"gso_segments": 1, "gro_segments": 1, "batch": 1, "zerocopy": 0}


def is_udp(sock):
    return (
        sock.family in (_stdlib.AF_INET, _stdlib.AF_INET6)
        and sock.type == _stdlib.SOCK_DGRAM
        and sock.proto in (0, _stdlib.IPPROTO_UDP)
    )


def set_gro(self, on=True, /):
    """Do nothing for a UDP socket: the fallback enables no GRO, and `gro_segments` is 1.

    Raises OSError for any other socket, as the kernel does.
    """
    value = 1 if on else 0
    if not is_udp(self) or self.fileno() < 0:
        original.socket.setsockopt(self, _SOL_UDP, _UDP_GRO, value)


def gro_joins(sock):
    """Whether the kernel joins datagrams for *sock*: the program may have set UDP_GRO itself."""
    try:
        return is_udp(sock) and original.socket.getsockopt(sock, _SOL_UDP, _UDP_GRO) != 0
    except OSError:
        return False


def not_for_batches(sock):
    """Return the exception for a socket that a DatagramBatch cannot receive from."""
    return OSError(
        errno.EOPNOTSUPP, f"a DatagramBatch takes no {sock.type!r} of {sock.family!r} sockets"
    )


# Sending


def _snapshot(messages, address):
    """Return all messages as (memoryview, address); later changes of the list have no effect."""
    pairs = []
    for item in tuple(messages):
        if isinstance(item, tuple):
            if len(item) != 2:
                raise TypeError("a message must be a bytes-like object or a pair (buffer, address)")
            item, peer = item
        else:
            peer = address
        pairs.append((readable_view(item), peer))
    return pairs


def _waiter(sock, event):
    """Return a function that waits for *event* for some seconds and returns whether it occurred.

    The standard library's methods wait for a whole timeout per call, so per datagram.
    """
    if sock.fileno() < 0:
        return lambda seconds: True  # the system call then raises the error
    poll = select.poll()
    poll.register(sock.fileno(), event)
    return lambda seconds: bool(poll.poll(seconds * 1000))


def _send_all(sock, messages, flags):
    """Send the (memoryview, address) pairs; return how many were sent, and their bytes."""
    timeout = sock.gettimeout()
    deadline = time.monotonic() + timeout if timeout else None
    if entries:
        raise_deferred(sock)
    count = sent = 0
    converted = {}
    writable = _waiter(sock, select.POLLOUT) if timeout else None
    for data, address in messages:
        if address is not None:
            try:
                standard = converted[id(address)]
            except KeyError:
                standard = converted[id(address)] = standard_address(sock, address)
            address = standard
        if deadline is not None and not writable(max(0, deadline - time.monotonic())):
            if count == 0:
                raise TimeoutError("timed out")
            break
        try:
            sent += sock.sendmsg([data], [], flags, address)
        except OSError as error:
            timed_out = timeout and isinstance(error, TimeoutError)
            # An error without an errno is not the kernel's: a signal handler raised it.
            if count == 0 or (error.errno is None and not timed_out):
                raise
            if not timed_out and not isinstance(error, BlockingIOError):
                defer_error(sock, error)
            break
        count += 1
    return count, sent


def sendmmsg(self, messages, address=None, flags=0):
    """Send many datagrams in order; return how many were sent.

    *messages* is an iterable. An item is a bytes-like object, sent to *address* or to the peer of a
    connected socket, or a pair (bytes-like object, address). The socket's timeout is for the whole
    call. Returns early if the timeout is over, or if the socket is non-blocking and its buffer is
    full. If a datagram after the first one fails, the next batch call on the socket raises that
    error. Raises TimeoutError, BlockingIOError, OSError if nothing was sent. Audit event
    `socket.sendmsg`, once for each datagram.
    """
    flags = as_int(flags)
    return _send_all(self, _snapshot(messages, address), flags)[0]


def send_segmented(self, buffer, segment_size, address=None, flags=0):
    """Send *buffer* as datagrams of *segment_size* bytes each; return the number of bytes sent.

    The last datagram may be shorter. An empty buffer sends nothing. Waits, returns early and raises
    as `sendmmsg` does. Raises ValueError if *segment_size* is not 1 to 65535.
    """
    segment_size, flags = as_size(segment_size), as_int(flags)
    if not 1 <= segment_size <= 65535:
        raise ValueError("segment_size must be 1 to 65535")
    [(view, peer)] = _snapshot([buffer], address)
    pieces = range(0, len(view), segment_size)
    return _send_all(self, [(view[at : at + segment_size], peer) for at in pieces], flags)[1]


# Receiving


def split(data, ancdata, bufsize):
    """Return the datagrams that GRO joined to *data*, each truncated to *bufsize*."""
    for level, kind, value in ancdata:
        if (level, kind) == (_SOL_UDP, _UDP_GRO) and len(value) >= 4:
            size = int.from_bytes(value[:4], sys.byteorder, signed=True)
            if 0 < size < len(data):
                return [data[at : at + size][:bufsize] for at in range(0, len(data), size)]
    return [data[:bufsize]]


def receive(sock, max_messages, message_size, ancbufsize, flags):
    """Wait for one message, then receive without waiting; return a list of `recvmsg` results."""
    if entries:
        raise_deferred(sock)
    # With it `recvmsg` returns bytes that it did not receive, or fails since Python 3.15.
    flags &= ~_stdlib.MSG_TRUNC
    received = [sock.recvmsg(message_size, ancbufsize, flags)]
    if flags & _stdlib.MSG_PEEK:
        return received
    timeout = sock.gettimeout()
    readable = _waiter(sock, select.POLLIN)
    has_end = sock.type in _CONNECTED
    while len(received) < max_messages:
        if has_end and not received[-1][0]:
            break  # the end of the stream: each further receive would return it again
        try:
            if timeout and not readable(0):
                break
            received.append(sock.recvmsg(message_size, ancbufsize, flags | _DONTWAIT))
        except BlockingIOError:
            break
        except OSError as error:
            defer_error(sock, error)
            break
    return received


def recvmmsg(self, max_messages, bufsize, flags=0):
    """Wait for a datagram, receive all others that have arrived; return a list of (bytes, address).

    Returns at most *max_messages* datagrams of at most *bufsize* bytes each; the rest of a longer
    one is lost, as in `recvfrom`. Datagrams that the kernel joined (UDP_GRO) are split. If a
    receive after the first one fails, the next batch call raises that error. Raises TimeoutError,
    BlockingIOError, OSError; ValueError if *max_messages* is below 1 or *bufsize* is negative.
    """
    max_messages, bufsize, flags = as_size(max_messages), as_size(bufsize), as_int(flags)
    if max_messages < 1:
        raise ValueError("max_messages must be at least 1")
    if bufsize < 0:
        raise ValueError("negative buffersize in recvmmsg")
    joins = gro_joins(self)
    message_size = bufsize
    if joins or (is_udp(self) and message_size > _MAX_UDP):
        message_size = _MAX_UDP
    return [
        (datagram, address)
        for data, ancdata, _, address in receive(
            self, max_messages, message_size, _GRO_ANCBUFSIZE if joins else 0, flags
        )
        for datagram in split(data, ancdata, bufsize)
    ]
