"""Files on sockets: the raw file that `makefile()` buffers, and sendfile.

`readinto` and `write` are methods of SocketIO, and `_sendfile_use_sendfile` is a method of `socket`:
_compiled/socket.py lists them. `readinto` and `write` call the socket's own `recv_into` and `send`,
because the socket may be of another class (ssl.SSLSocket, a mock).
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
cdef object GiveupOnSendfile = _stdlib._GiveupOnSendfile
cdef object WOULD_BLOCK = {errno.EAGAIN, errno.EWOULDBLOCK}
cdef object fstat = os.fstat
cdef object UnsupportedOperation = _io.UnsupportedOperation

cdef enum:
    CHUNK_MOST = 1 << 30  # bytes of one sendfile(2), which transfers at most 2,147,479,552


def readinto(self, buffer, /):
    """readinto(buffer) -> number of bytes, or None

    Read up to len(buffer) bytes into a writable *buffer*. Returns 0 at the end of the stream, and None
    where a non-blocking socket has no data. Raises what `recv_into` raises, and OSError for every call
    after a timeout.
    """
    sock = self._sock
    if sock is None or not self._reading or self._timeout_occurred:
        return base_readinto(self, buffer)  # raises the exception for it
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

    Write bytes, perhaps not all of them. Returns None where a non-blocking socket accepts none. Raises
    what `send` raises.
    """
    sock = self._sock
    if sock is None or not self._writing:
        return base_write(self, data)  # raises the exception for it
    try:
        return sock.send(data)
    except OSError as error:
        if error.errno not in WOULD_BLOCK:
            raise
    return None


def _sendfile_use_sendfile(socket self not None, file, offset=0, count=None):
    """Send *file* by sendfile(2), for `socket.sendfile()`. Raises _GiveupOnSendfile where it cannot."""
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
        raise GiveupOnSendfile(error)
    try:
        size = fstat(fd).st_size
    except OSError as error:
        raise GiveupOnSendfile(error)
    if not size:
        return 0
    if self.sock_timeout == 0:
        raise ValueError("non-blocking sockets are not supported")
    io.file = fd
    io.flags = 0
    io.file_offset = offset
    io.likely = <size_t>-1  # never with the GIL held, because it waits for the disk
    wanted = count if count else INT64_MAX
    try:
        while sent < wanted:
            io.len = <size_t>min(wanted - sent, CHUNK_MOST)
            deadline = 0  # as in the standard library, each wait may take the whole timeout
            try:
                n = transfer(self, ps_sendfile, &io, POLLOUT, &deadline)
            except BlockingIOError:
                # O_NONBLOCK was set behind Python's back. Wait, rather than poll in a busy loop.
                deadline = INT64_MAX
                wait_for_socket(self, POLLOUT, -1, &deadline)
                # While POLLERR stays set, poll() returns at once, and never with EINTR.
                PyErr_CheckSignals()
                continue
            except OSError as error:
                # The TimeoutError of the socket's timeout has no errno. That of a connection has
                # ETIMEDOUT, from the kernel.
                if sent == 0 and not (isinstance(error, TimeoutError) and error.errno is None):
                    raise GiveupOnSendfile(error)  # most likely sendfile(2) cannot read such a file
                raise
            if n == 0:
                break
            sent += n
            PyErr_CheckSignals()  # a signal after a part was sent did not cause EINTR
        return sent
    finally:
        if sent > 0 and hasattr(file, "seek"):
            file.seek(offset + sent)
