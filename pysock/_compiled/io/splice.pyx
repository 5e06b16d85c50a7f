"""splice: bytes between two descriptors, without passing through Python.

csrc/ps_splice.c moves them, and says so when it would have to wait; waiting, signals and the errors
are here. Only the main thread runs the handlers of signals, so only it comes back for the GIL after
every system call. Any other thread stays without it for as long as bytes flow, which beside a thread
that computes makes all the difference; the descriptors are read anew all the same, from where
`close()` changes them.
"""

from operator import index

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.exc cimport PyErr_CheckSignals
from cpython.mem cimport PyMem_Free, PyMem_Malloc
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


cdef extern from "Python.h":
    int PyObject_AsFileDescriptor(object thing) except -1
    bint PyLong_CheckExact(object number)


cdef class End:
    """What the caller named as one end, and where the number of its descriptor stands."""
    cdef object thing
    cdef int number
    cdef const int *place
    cdef bint current  # the place tells of a close(), without a look at the object

    def __cinit__(self, thing):
        self.thing = thing
        self.place = &self.number
        self.current = True
        if isinstance(thing, socket):
            if getattr(thing, "_sslobj", None) is not None:
                raise ValueError(f"splice not allowed on instances of {type(thing).__name__}")
            self.place = fd_ptr_of(thing)
        else:
            self.number = PyObject_AsFileDescriptor(thing)
            self.current = PyLong_CheckExact(thing)

    cdef int renew(self) except -1:
        if not self.current:
            self.number = PyObject_AsFileDescriptor(self.thing)
        return 0


cdef int64_t most_to_move(object count) except -1:
    if count is None:
        return INT64_MAX
    count = index(count)
    if count < 0:
        raise ValueError("count must not be negative")
    return min(count, INT64_MAX - 1)


cdef bint wait_for_ends(ps_splice *s, End source, End target, Deadline *until) except -1:
    """Wait until poll() calls ready what the last step could not use; False if that is too late."""
    if s.waits_for & PS_SPLICE_SOURCE:
        if not wait_for_fd(source.place, POLLIN, until.timeout, &until.at):
            return False
        s.source.ready = 1
    if s.waits_for & PS_SPLICE_TARGET:
        if not wait_for_fd(target.place, POLLOUT, until.timeout, &until.at):
            return False
        s.target.ready = 1
    return True


cdef bint is_main_thread() except -1:
    import threading  # takes a while: not before it is needed

    return threading.get_ident() == threading.main_thread().ident


cdef int move(ps_splice *s, End source, End target, Deadline *until) except -1:
    cdef int64_t give_up_at = until.at if until.at else INT64_MAX
    cdef bint once = not (source.current and target.current) or is_main_thread()
    cdef bint waited = False
    cdef ssize_t n
    while True:
        with nogil:
            n = ps_splice_steps(s, give_up_at, once)
        if n == 0:
            return 0
        if n > 0:
            waited = False
            PyErr_CheckSignals()
            if s.left > 0 and ps_splice_inside(s) == 0 and ps_clock() >= give_up_at:
                raise_timed_out()
        elif n == -EINTR:
            PyErr_CheckSignals()
        elif n == -EAGAIN:
            if waited:  # in vain: poll() looks at neither the time nor signals where it need not wait
                with nogil:
                    ps_splice_pause()
                PyErr_CheckSignals()
                if ps_clock() >= give_up_at:
                    raise_timed_out()
            if not wait_for_ends(s, source, target, until):
                raise_timed_out()
            waited = True
        else:
            raise_errno(n)
        source.renew()
        target.renew()


cdef object drained(ps_splice *s):
    cdef int n
    data = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>ps_splice_inside(s))
    n = ps_splice_drain(s, PyBytes_AS_STRING(data))
    if n < 0:
        raise_errno(n)
    return data


def splice(src, dst, count=None, timeout=None):
    """splice(src, dst[, count[, timeout]]) -> number of bytes moved

    Move bytes from *src* to *dst*: sockets, files, pipes, anything with a `fileno()`, or plain
    descriptors. To the end of *src*, or *count* bytes. The kernel hands the bytes over (`splice(2)`)
    where it can and there are many, and they are copied, still without passing through Python, where
    it cannot. *timeout* in seconds is for the whole call; None is without end. The mode the
    descriptors are in does not matter, but for the speed: to keep a deadline between sockets in
    blocking mode, the bytes have to be copied.

    Whatever exception ends it has two attributes: *bytes_moved*, the number of bytes that reached
    *dst*, and *pending*, the bytes that were taken from *src* and did not. TimeoutError when the
    timeout is over, ValueError for a negative number, for a socket that is no stream, and for one
    that speaks TLS; OSError.
    """
    cdef ps_splice s
    cdef Deadline until
    cdef char *memory
    cdef int n
    cdef int64_t most = most_to_move(count)
    until = deadline_of(None, None if timeout is NOT_GIVEN else timeout, None)
    cdef End source = End(src)
    cdef End target = End(dst)
    memory = <char *>PyMem_Malloc(PS_SPLICE_ROOM)
    if memory == NULL:
        raise MemoryError()
    try:
        n = ps_splice_init(&s, source.place, target.place, most, until.timeout >= 0, memory)
        if n == -EPROTOTYPE:
            raise ValueError("only SOCK_STREAM type sockets are supported")
        if n < 0:
            raise_errno(n)
        move(&s, source, target, &until)
        return s.moved
    except BaseException as error:
        pending = drained(&s)
        set_progress(error, "bytes_moved", s.moved)
        set_progress(error, "pending", pending)
        raise
    finally:
        ps_splice_close(&s)
        PyMem_Free(memory)
