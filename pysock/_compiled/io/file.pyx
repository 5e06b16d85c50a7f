"""What files do with sockets: the raw file that `makefile()` buffers, and sendfile.

`readinto` and `write` are methods of SocketIO, `_sendfile_use_sendfile` is one of `socket`;
_accelerated.py lists them. A socket that is not exactly a `pysock.socket` (ssl.SSLSocket, a mock) is
asked by its own methods.
"""

import errno
import io as _io
import os
import socket as _stdlib

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport INT64_MAX, int64_t

from ..._shared import original

from ..core.retry cimport transfer, wait_for_socket
from ..core.socket_object cimport socket
from ..sys.ps_addr cimport ps_addr_family_known
from ..sys.ps_io cimport ps_io, ps_sendfile
from ..sys.ps_wait cimport POLLOUT


cdef object base_readinto = original.SocketIO.readinto
cdef object base_write = original.SocketIO.write
cdef object base_sendfile = original.socket._sendfile_use_sendfile
cdef object GiveUp = _stdlib._GiveupOnSendfile
cdef object WOULD_BLOCK = {errno.EAGAIN, errno.EWOULDBLOCK}
cdef object fstat = os.fstat
cdef object UnsupportedOperation = _io.UnsupportedOperation

cdef enum:
    BLOCK_MOST = 1 << 30  # sendfile(2) moves little more at once


def readinto(self, buffer, /):
    """readinto(buffer) -> number of bytes, or None

    Read up to len(buffer) bytes into a writable *buffer*; 0 at the end of the stream, None where a
    non-blocking socket has none. Raises what `recv_into` raises; after a timeout, OSError.
    """
    sock = self._sock
    if sock is None or not self._reading or self._timeout_occurred:
        return base_readinto(self, buffer)  # which says what is wrong
    try:
        return sock.recv_into(buffer)
    except TimeoutError:
        self._timeout_occurred = True
        raise
    except OSError as error:
        if error.errno not in WOULD_BLOCK:
            raise
    return None


def write(self, data, /):
    """write(data) -> number of bytes, or None

    Write bytes, perhaps not all of them; None where a non-blocking socket takes none. Raises what
    `send` raises.
    """
    sock = self._sock
    if sock is None or not self._writing:
        return base_write(self, data)  # which says what is wrong
    try:
        return sock.send(data)
    except OSError as error:
        if error.errno not in WOULD_BLOCK:
            raise
    return None


def _sendfile_use_sendfile(socket self not None, file, offset=0, count=None):
    """Send *file* by sendfile(2), as `socket.sendfile()` documents; _GiveupOnSendfile if it can't."""
    cdef ps_io io
    cdef int64_t deadline, wanted
    cdef int64_t sent = 0
    if (not ps_addr_family_known(self.sock_family) or self.sock_fd < 0
            or type(offset) is not int or not 0 <= offset <= INT64_MAX):
        return base_sendfile(self, file, offset, count)
    self._check_sendfile_params(file, offset, count)
    if count is not None and count > INT64_MAX:
        return base_sendfile(self, file, offset, count)
    try:
        fd = file.fileno()
    except (AttributeError, UnsupportedOperation) as error:
        raise GiveUp(error)
    try:
        size = fstat(fd).st_size
    except OSError as error:
        raise GiveUp(error)
    if not size:
        return 0
    if self.sock_timeout == 0:
        raise ValueError("non-blocking sockets are not supported")
    io.file = fd
    io.flags = 0
    io.file_offset = offset
    io.likely = <size_t>-1  # never with the GIL held: it waits for the disk
    wanted = count if count else INT64_MAX
    try:
        while sent < wanted:
            io.len = <size_t>min(wanted - sent, BLOCK_MOST)
            deadline = 0  # the timeout is for each wait, as in the standard library
            try:
                n = transfer(self, ps_sendfile, &io, POLLOUT, &deadline)
            except BlockingIOError:
                # O_NONBLOCK, set behind Python's back: wait, rather than spin or give up.
                deadline = INT64_MAX
                wait_for_socket(self, POLLOUT, -1, &deadline)
                PyErr_CheckSignals()  # where poll() reports an error that stays, it is no wait
                continue
            except OSError as error:
                # The socket's timeout has no errno; a connection's, which the kernel tells, does.
                if sent == 0 and not (isinstance(error, TimeoutError) and error.errno is None):
                    raise GiveUp(error)  # most likely no file that can be mapped
                raise
            if n == 0:
                break
            sent += n
            PyErr_CheckSignals()  # one that came with a part sent has not been told as EINTR
        return sent
    finally:
        if sent > 0 and hasattr(file, "seek"):
            file.seek(offset + sent)
