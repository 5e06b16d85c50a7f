"""Messages with control data and many buffers: sendmsg, recvmsg, recvmsg_into.

Each public function is a method: _compiled/socket.py lists it in `socket`. Whatever may run Python code
(iterating, `__index__`, `__buffer__`) is done before the system call, and on tuples that no other
thread can change. Every buffer stays acquired until the system call has returned.
"""

from ..._shared import original

cimport cython

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.stdint cimport INT32_MAX, int64_t
from libc.string cimport memset

from ..core.buffers import NotWritable

from ..core.buffers cimport Buffers
from ..core.retry cimport transfer
from .zerocopy_pending cimport receive_error, sends_by_cookie
from ..core.arguments cimport fits_int
from ..core.sockaddr cimport pack_address, standard_address, unpack_address
from ..core.socket_object cimport audit_address, socket
from ..sys.ps_addr cimport ps_addr_family_known, ps_sockaddr, socklen_t
from ..sys.ps_cmsg cimport (
    cmsghdr, ps_cmsg, ps_cmsg_close_rights, ps_cmsg_next, ps_cmsg_put, ps_cmsg_space,
)
from ..sys.ps_errqueue cimport MSG_ERRQUEUE
from ..sys.ps_io cimport (
    MSG_TRUNC, PS_MAX_IOV, iovec, msghdr, ps_io, ps_recvmsg, ps_sendmsg,
)
from ..sys.ps_wait cimport POLLIN, POLLOUT


cdef object base = original.socket


cdef tuple tuple_of(object items):
    """A tuple of *items*, which are iterated once; None if they cannot be iterated."""
    if type(items) is not tuple and type(items) is not list:
        try:
            items = iter(items)
        except TypeError:
            return None
    return tuple(items)


cdef object pack_control(tuple ancdata):
    """The control data for *ancdata*, a tuple of (level, type, buffer); None for any other form."""
    cdef ps_cmsg item
    cdef int level = 0
    cdef int kind = 0
    cdef size_t used = 0
    cdef size_t size = 0
    cdef size_t space
    cdef Py_ssize_t i
    cdef list headers = []
    cdef Buffers data = Buffers.__new__(Buffers)
    for entry in ancdata:
        # The base class decides about other types, which may be sequences or not.
        if type(entry) is not tuple and type(entry) is not list:
            return None
        entry = tuple(entry)
        if len(entry) != 3 or not fits_int(entry[0], &level) or not fits_int(entry[1], &kind):
            return None
        headers.append((level, kind, entry[2]))
    data.acquire(tuple([header[2] for header in headers]), PyBUF_SIMPLE)
    for i in range(data.count):
        space = ps_cmsg_space(data.iov[i].iov_len)
        if space == 0 or space > INT32_MAX - size:
            return None
        size += space
    control = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>size)
    for i in range(data.count):
        item.level = headers[i][0]
        item.type = headers[i][1]
        item.data = data.iov[i].iov_base
        item.len = data.iov[i].iov_len
        if ps_cmsg_put(PyBytes_AS_STRING(control), size, &used, &item) < 0:
            return None
    return control


cdef object send_by_base(socket sock, object buffers, object ancdata, object flags, object address):
    # Tuples, because some interpreters crash where a list changes while they convert its items: see
    # _fallback/socket.py.
    if type(buffers) is list:
        buffers = tuple(buffers)
    if type(ancdata) is list:
        ancdata = tuple(ancdata)
    if address is not None:
        address = standard_address(sock, address)
    return base.sendmsg(sock, buffers, ancdata, flags, address)


cdef list unpack_control(const msghdr *msg):
    """The control messages of *msg*, as a list of (level, type, data)."""
    cdef list items = []
    cdef cmsghdr *cursor = NULL
    cdef ps_cmsg item
    cdef int truncated = 0
    while ps_cmsg_next(msg, &cursor, &item, &truncated):
        items.append((item.level, item.type,
                      PyBytes_FromStringAndSize(<const char *>item.data, <Py_ssize_t>item.len)))
        if truncated:
            break
    return items


cdef tuple receive_message(socket sock, msghdr *msg, size_t size, bytes data,
                           Py_ssize_t ancbufsize, int flags):
    """Receive into the buffers of *msg*, which have *size* bytes, and return what recvmsg returns.

    The first item is *data*, cut to the bytes that came; without it, their number.
    """
    cdef ps_io io
    cdef ps_sockaddr name
    cdef int64_t deadline = 0
    cdef ssize_t n
    cdef void *control = NULL
    memset(&name, 0, sizeof(name.sa))  # shown as family 0 where the kernel writes no name
    io.msg = msg
    io.len = io.likely = size
    io.flags = flags
    msg.msg_name = &name
    msg.msg_namelen = sizeof(name)
    if ancbufsize > 0:
        control = PyMem_Calloc(1, <size_t>ancbufsize)
        if control == NULL:
            raise MemoryError()
    msg.msg_control = control
    msg.msg_controllen = <size_t>ancbufsize
    try:
        if flags & MSG_ERRQUEUE and sends_by_cookie:
            n = receive_error(sock, &io)
        else:
            n = transfer(sock, ps_recvmsg, &io, POLLIN, &deadline)
        try:
            return (n if data is None else data if n == <ssize_t>size else data[:n],
                    unpack_control(msg), msg.msg_flags, unpack_address(&name, msg.msg_namelen))
        except:
            ps_cmsg_close_rights(msg)  # the caller does not get the descriptors that came
            raise
    finally:
        PyMem_Free(control)


@cython.binding(False)
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
cdef class Methods(socket):
    """Where the methods' definitions are made. method_descriptor() makes the methods of them."""

    def sendmsg(self, buffers, ancdata=(), flags=0, address=None, /):
        """sendmsg(buffers[, ancdata[, flags[, address]]]) -> number of bytes sent

        Send the bytes of many buffers as one message, and control messages with it (`sendmsg(2)`,
        `cmsg(3)`). *buffers* is an iterable of bytes-like objects, and *ancdata* an iterable of (level,
        type, data). *flags* are MSG_* constants, or'ed together. Raises what `send` raises. Audit event
        `socket.sendmsg`.
        """
        cdef msghdr msg
        cdef ps_io io
        cdef ps_sockaddr name
        cdef int64_t deadline = 0
        cdef int length = 0
        cdef tuple items
        cdef object control = None
        cdef Buffers data = Buffers.__new__(Buffers)
        if not ps_addr_family_known(self.sock_family) or not fits_int(flags, &io.flags):
            return send_by_base(self, buffers, ancdata, flags, address)
        if address is not None:
            length = pack_address(self.sock_family, address, &name)
            if length == 0:
                return send_by_base(self, buffers, ancdata, flags, address)
        try:
            # Iterated only here. The base class gets the tuples, as an iterator would be exhausted.
            items = tuple_of(buffers)
            if items is not None:
                buffers = items
                items = tuple_of(ancdata)
            if items is not None:
                ancdata = items
                control = pack_control(ancdata) if ancdata else b""
            if control is not None and len(buffers) <= PS_MAX_IOV:
                data.acquire(buffers, PyBUF_SIMPLE)
        except:
            # CPython raises the audit event before it looks at the buffers.
            audit_address("socket.sendmsg", self, address)
            raise
        if control is None or len(buffers) > PS_MAX_IOV:
            return base.sendmsg(self, buffers, ancdata, flags, address)
        audit_address("socket.sendmsg", self, address)
        memset(&msg, 0, sizeof(msg))
        if length > 0:
            msg.msg_name = &name
            msg.msg_namelen = <socklen_t>length
        msg.msg_iov = data.iov
        msg.msg_iovlen = <size_t>data.count
        if ancdata:
            msg.msg_control = PyBytes_AS_STRING(control)
            msg.msg_controllen = <size_t>len(control)
        io.msg = &msg
        io.len = io.likely = data.total
        return transfer(self, ps_sendmsg, &io, POLLOUT, &deadline)

    def recvmsg(self, Py_ssize_t bufsize, Py_ssize_t ancbufsize=0, flags=0, /):
        """recvmsg(bufsize[, ancbufsize[, flags]]) -> (data, ancdata, msg_flags, address)

        Receive at most *bufsize* bytes, and control messages of at most *ancbufsize* bytes
        (`recvmsg(2)`, `cmsg(3)`). *ancdata* is a list of (level, type, data). *msg_flags* says what was cut:
        the data (MSG_TRUNC) or the control messages (MSG_CTRUNC). Raises what `recv` raises.
        """
        cdef msghdr msg
        cdef iovec iov
        cdef int c_flags = 0
        if (not ps_addr_family_known(self.sock_family) or not fits_int(flags, &c_flags)
                or c_flags & MSG_TRUNC or bufsize < 0 or not 0 <= ancbufsize <= INT32_MAX):
            return base.recvmsg(self, bufsize, ancbufsize, flags)
        memset(&msg, 0, sizeof(msg))
        data = PyBytes_FromStringAndSize(NULL, bufsize)
        iov.iov_base = PyBytes_AS_STRING(data)
        iov.iov_len = <size_t>bufsize
        msg.msg_iov = &iov
        msg.msg_iovlen = 1
        return receive_message(self, &msg, <size_t>bufsize, data, ancbufsize, c_flags)

    def recvmsg_into(self, buffers, Py_ssize_t ancbufsize=0, flags=0, /):
        """recvmsg_into(buffers[, ancbufsize[, flags]]) -> (nbytes, ancdata, msg_flags, address)

        As `recvmsg`, but into an iterable of writable *buffers*. Each is filled before the next one.
        """
        cdef msghdr msg
        cdef bint acquired = True
        cdef Buffers data = Buffers.__new__(Buffers)
        cdef int c_flags = 0
        cdef tuple items = None
        if (ps_addr_family_known(self.sock_family) and fits_int(flags, &c_flags)
                and 0 <= ancbufsize <= INT32_MAX):
            items = tuple_of(buffers)
        if items is not None:
            buffers = items
        elif type(buffers) is list:
            buffers = tuple(buffers)  # as in send_by_base()
        if items is None or len(items) > PS_MAX_IOV:
            return base.recvmsg_into(self, buffers, ancbufsize, flags)
        try:
            data.acquire(items, PyBUF_WRITABLE)
        except NotWritable:
            acquired = False
        if not acquired:
            return base.recvmsg_into(self, buffers, ancbufsize, flags)
        memset(&msg, 0, sizeof(msg))
        msg.msg_iov = data.iov
        msg.msg_iovlen = <size_t>data.count
        return receive_message(self, &msg, data.total, None, ancbufsize, c_flags)
