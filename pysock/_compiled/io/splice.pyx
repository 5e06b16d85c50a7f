"""splice: move bytes from one descriptor to another without making Python objects of them.

csrc/ps_splice.c moves the bytes, and returns -EAGAIN where it would have to wait. This module waits,
runs signal handlers and raises the errors. Signal handlers run in the main thread only. So only the
main thread acquires the GIL after every system call. Any other thread stays without the GIL while bytes
flow: beside a thread that computes, each acquisition could take the switch interval. It still notices a
`close()`, because every system call reads the descriptor from the socket object.
"""

import sys

from operator import index

cimport cython

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.exc cimport PyErr_CheckSignals
from cpython.long cimport PyLong_CheckExact
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject_AsFileDescriptor
from libc.errno cimport EAGAIN, EINTR, EPROTOTYPE
from libc.stdint cimport INT64_MAX, int64_t

from ..core.progress cimport set_progress
from ..core.retry cimport wait_for_fd
from ..core.deadline cimport NOT_GIVEN, Deadline, deadline_of
from ..core.errors cimport raise_errno, raise_timed_out
from ..core.socket_object cimport fd_ptr_of, socket
from ..sys.ps_splice cimport (
    PS_SPLICE_ROOM, PS_SPLICE_SOURCE, PS_SPLICE_TARGET, ps_splice, ps_splice_close, ps_splice_drain,
    ps_splice_init, ps_splice_inside, ps_splice_pause, ps_splice_steps,
)
from ..sys.ps_wait cimport POLLIN, POLLOUT, ps_clock


cdef class End:
    """The source or the target: the caller's object, and a pointer to its descriptor."""
    cdef object fileobj
    cdef int fd
    cdef const int *fd_ptr
    cdef bint is_current  # *fd_ptr shows a close() by itself; otherwise fileno() has to be called

    def __cinit__(self, fileobj):
        self.fileobj = fileobj
        self.fd_ptr = &self.fd
        self.is_current = True
        if isinstance(fileobj, socket):
            if getattr(fileobj, "_sslobj", None) is not None:
                raise ValueError(f"splice not allowed on instances of {type(fileobj).__name__}")
            self.fd_ptr = fd_ptr_of(fileobj)
        else:
            self.fd = PyObject_AsFileDescriptor(fileobj)
            self.is_current = PyLong_CheckExact(fileobj)

    cdef int refresh(self) except -1:
        """Ask the object for its descriptor again, which it may have closed meanwhile."""
        if not self.is_current:
            self.fd = PyObject_AsFileDescriptor(self.fileobj)
        return 0


cdef int64_t bytes_to_move(object count) except -1:
    """*count* as ps_splice_init takes it: INT64_MAX is all until the end of the source."""
    if count is None:
        return INT64_MAX
    count = index(count)
    if count < 0:
        raise ValueError("count must not be negative")
    return min(count, INT64_MAX - 1)


cdef bint wait_for_ends(ps_splice *s, End source, End target, Deadline *until) except -1:
    """Wait until poll() reports the ends that the last step needs; False after the deadline."""
    if s.waits_for & PS_SPLICE_SOURCE:
        if not wait_for_fd(source.fd_ptr, POLLIN, until.timeout, &until.at):
            return False
        s.source.ready = 1
    if s.waits_for & PS_SPLICE_TARGET:
        if not wait_for_fd(target.fd_ptr, POLLOUT, until.timeout, &until.at):
            return False
        s.target.ready = 1
    return True


cdef bint is_main_thread() except -1:
    """Whether this is the main thread; True also where nobody has imported threading yet."""
    threading = sys.modules.get("threading")  # nothing is imported within a call
    return threading is None or threading.get_ident() == threading.main_thread().ident


cdef int move(ps_splice *s, End source, End target, Deadline *until) except -1:
    """Move all bytes. Raises TimeoutError, OSError, and what a signal handler raises."""
    cdef int64_t deadline = until.at if until.at else INT64_MAX
    cdef bint once = not (source.is_current and target.is_current) or is_main_thread()
    cdef bint waited = False  # since bytes were moved
    cdef ssize_t n
    while True:
        with nogil:
            n = ps_splice_steps(s, deadline, once)
        if n == 0:
            return 0
        if n > 0:
            waited = False
            PyErr_CheckSignals()
            if s.left > 0 and ps_splice_inside(s) == 0 and ps_clock() >= deadline:
                raise_timed_out()
        elif n == -EINTR:
            PyErr_CheckSignals()
        elif n == -EAGAIN:
            if waited:
                # poll() returned at once, although no byte can be moved: POLLERR stays set. It checks
                # neither the deadline nor signals then.
                with nogil:
                    ps_splice_pause()
                PyErr_CheckSignals()
                if ps_clock() >= deadline:
                    raise_timed_out()
            if not wait_for_ends(s, source, target, until):
                raise_timed_out()
            waited = True
        else:
            raise_errno(n)
        source.refresh()
        target.refresh()


cdef object drain(ps_splice *s):
    """The bytes that were read from the source and not yet written to the target."""
    cdef int n
    data = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>ps_splice_inside(s))
    n = ps_splice_drain(s, PyBytes_AS_STRING(data))
    if n < 0:
        raise_errno(n)
    return data


@cython.binding(False)
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
def splice(src, dst, count=None, timeout=None):
    """splice(src, dst[, count[, timeout]]) -> number of bytes moved

    Move bytes from *src* to *dst*. Each is a socket, a file, a pipe, any object with a `fileno()`, or
    an int, which is a descriptor. The call moves *count* bytes, or all until the end of *src*. Many
    bytes are moved inside the kernel (`splice(2)`) where it can do that. Otherwise they are copied,
    without making Python objects. *timeout*, in seconds, is for the whole call; None means no limit.
    The descriptors may be blocking or non-blocking. Only with a timeout, and sockets that are both
    blocking, the bytes have to be copied, which is slower.

    Every exception that ends the call has two attributes. `bytes_moved` is the number of bytes that
    were written to *dst*. `pending` has the bytes that were read from *src* and not written to *dst*.
    Raises TimeoutError when the timeout is over, ValueError for a negative number, for a socket that
    is not a stream and for a TLS socket, and OSError.
    """
    cdef ps_splice s
    cdef Deadline until
    cdef char *memory
    cdef int n
    cdef int64_t wanted = bytes_to_move(count)
    until = deadline_of(None, None if timeout is NOT_GIVEN else timeout, None)
    cdef End source = End(src)
    cdef End target = End(dst)
    memory = <char *>PyMem_Malloc(PS_SPLICE_ROOM)
    if memory == NULL:
        raise MemoryError()
    try:
        n = ps_splice_init(&s, source.fd_ptr, target.fd_ptr, wanted, until.timeout >= 0, memory)
        if n == -EPROTOTYPE:
            raise ValueError("only SOCK_STREAM type sockets are supported")
        if n < 0:
            raise_errno(n)
        move(&s, source, target, &until)
        return s.moved
    except BaseException as error:
        pending = drain(&s)
        set_progress(error, "bytes_moved", s.moved)
        set_progress(error, "pending", pending)
        raise
    finally:
        ps_splice_close(&s)
        PyMem_Free(memory)
