"""Files on sockets: the raw file that `makefile()` buffers, and sendfile.

`readinto` and `write` are methods of SocketIO, and `_sendfile_use_sendfile` is a method of `socket`:
_compiled/socket.py lists them. `readinto` and `write` call the socket's own `recv_into` and `send`,
because the socket may be of another class (ssl.SSLSocket, a mock).
"""

import errno
import io as _io
import os
import selectors
import socket as _stdlib

cimport cython

from cpython.dict cimport PyDict_Size
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport INT64_MAX, int64_t

from ..._shared import original

from ..core.instance_dict cimport generic_dict
from ..core.retry cimport transfer, wait_for_socket
from ..core.socket_class cimport OriginalAttributes, is_unpatched, socket_class
from ..core.socket_object cimport socket
from ..core.threads cimport dict_get
from ..sys.ps_addr cimport ps_addr_family_known
from ..sys.ps_io cimport ps_io, ps_sendfile
from ..sys.ps_wait cimport POLLOUT
from .transfer cimport receive_into, send


cdef extern from "Python.h":
    Py_ssize_t PY_SSIZE_T_MAX


cdef object base_readinto = original.SocketIO.readinto
cdef object base_write = original.SocketIO.write
cdef object base_sendfile = original.socket._sendfile_use_sendfile
cdef object GiveupOnSendfile = _stdlib._GiveupOnSendfile
cdef object WOULD_BLOCK = {errno.EAGAIN, errno.EWOULDBLOCK}
cdef object PollSelector = getattr(selectors, "PollSelector", None)
cdef object poll_select = getattr(PollSelector, "select", None)
cdef object fstat = os.fstat
cdef object sendfile = getattr(os, "sendfile", None)
cdef object UnsupportedOperation = _io.UnsupportedOperation

cdef enum:
    # Of a SocketIO: _mode, _reading, _sock, _timeout_occurred, _writing.
    ATTRIBUTES = 5
    MAX_CHUNK = 1 << 30  # bytes of one sendfile(2), which transfers at most 2,147,479,552


cdef object file_class = None  # pysock.SocketIO
cdef OriginalAttributes called = None
cdef OriginalAttributes transfers = None

# What the standard library's readinto and write ask of the file.
cdef tuple CALLED = (
    "_checkClosed", "_checkReadable", "_checkWritable", "closed", "readable", "writable",
)
# And of its socket.
cdef tuple TRANSFERS = ("recv_into", "send")


@cython.binding(False)
def register_class(cls, /):
    """Make *cls* the class whose `readinto` and `write` are these."""
    global file_class, called, transfers
    file_class = cls
    called = OriginalAttributes(cls, CALLED)
    transfers = OriginalAttributes(socket_class, TRANSFERS)


cdef dict plain_attributes(object file):
    """The attributes of *file*, if neither it nor its class has one that changes what is asked.

    None if it is closed, too: `io.RawIOBase.close` sets an attribute.
    """
    cdef dict attributes
    if type(file) is not file_class or not called.are_unpatched():
        return None
    attributes = generic_dict(file, NULL)
    return attributes if PyDict_Size(attributes) == ATTRIBUTES else None


cdef inline bint has_own_transfers(object sock) except -1:
    """Whether `recv_into` and `send` of *sock* are those of pysock: nobody has replaced them."""
    return type(sock) is socket_class and transfers.are_unpatched()


@cython.binding(False)
def readinto(self, b, /):
    """`SocketIO.readinto`, which _compiled/socket.py documents."""
    cdef dict attributes = plain_attributes(self)
    if (attributes is None or dict_get(attributes, "_reading") is not True
            or dict_get(attributes, "_timeout_occurred") is not False):
        return base_readinto(self, b)
    try:
        sock = dict_get(attributes, "_sock")
        return receive_into(<socket>sock, b, 0, 0) if has_own_transfers(sock) else sock.recv_into(b)
    except TimeoutError:
        self._timeout_occurred = True
        raise
    except OSError as error:
        if error.errno not in WOULD_BLOCK:
            raise
    return None


@cython.binding(False)
def write(self, b, /):
    """`SocketIO.write`, which _compiled/socket.py documents."""
    cdef dict attributes = plain_attributes(self)
    if attributes is None or dict_get(attributes, "_writing") is not True:
        return base_write(self, b)
    try:
        sock = dict_get(attributes, "_sock")
        return send(<socket>sock, b, 0) if has_own_transfers(sock) else sock.send(b)
    except OSError as error:
        if error.errno not in WOULD_BLOCK:
            raise
    return None


cdef bint has_original_selector() except -1:
    """Whether the selector with which the standard library's method waits is its own."""
    return (getattr(selectors, "PollSelector", None) is PollSelector
            and getattr(PollSelector, "select", None) is poll_select)


@cython.binding(False)
def _sendfile_use_sendfile(socket self not None, file, offset=0, count=None):
    """Send *file* by sendfile(2), for `socket.sendfile()`. Raises _GiveupOnSendfile where it cannot."""
    cdef ps_io io
    cdef int64_t deadline, wanted
    cdef int64_t sent = 0
    if (not is_unpatched(self) or os.sendfile is not sendfile or os.fstat is not fstat
            or not has_original_selector()
            or not ps_addr_family_known(self.sock_family) or self.sock_fd < 0
            or type(offset) is not int or not 0 <= offset <= INT64_MAX):
        return base_sendfile(self, file, offset, count)
    self._check_sendfile_params(file, offset, count)
    if count is not None and count > PY_SSIZE_T_MAX:
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
            io.len = <size_t>min(wanted - sent, MAX_CHUNK)
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
