"""The part of `loop.sock_recv` and its kin that waits, in C.

Such a method calls the socket's method at once. If that would block, a `SockOperation` waits for the
socket, calls the method again, and sets a future's result. The coroutine awaits the operation.

asyncio registers the descriptor for each wait, and unregisters it in a callback of the future. Here the
descriptor is registered for one event (../selectors/registration.pyx), and its key is removed when the
operation is done. Where that cannot be done, for a selector of another class or a descriptor that is
registered already, `_add_reader` and `remove_reader` do what they do for asyncio.
"""

import asyncio
import asyncio.unix_events
import weakref

cimport cython

from cpython.dict cimport PyDict_Contains
from cpython.object cimport PyObject
from libc.stdint cimport uint32_t

from ..core.socket_object cimport socket
from ..io.transfer cimport receive_if_ready, send_bytes
from ..selectors.key cimport EVENT_READ, EVENT_WRITE
from ..selectors.registration cimport register_again, register_once, unregister_fired
from .handle cimport is_cancelled, new_handle
from .loop cimport check_closed, create_future_of, is_debug, is_plain, is_plain_selector, selector_of
from .original_methods cimport OriginalMethods
from .sockets cimport has_original, is_of_known_class


cdef extern from "Python.h":
    ctypedef enum PySendResult:
        PYGEN_RETURN
        PYGEN_ERROR
        PYGEN_NEXT

    PySendResult PyIter_Send(object iterator, object value, PyObject **result)

cdef extern from *:
    """
    static inline PyObject *pysock_send_none(PyObject *iterator, int *is_done) {
        PyObject *result = NULL;
        *is_done = PyIter_Send(iterator, Py_None, &result) == PYGEN_RETURN;
        return result;
    }
    """
    object send_none "pysock_send_none"(object iterator, int *is_done)

cdef object base = asyncio.unix_events._UnixSelectorEventLoop

# The coroutines, and what asyncio's own ones call.
cdef OriginalMethods methods = OriginalMethods(base, (
    "_add_reader", "_add_writer", "_ensure_fd_no_transport", "add_reader", "add_writer",
    "remove_reader", "remove_writer",
    *[name for name in dir(base) if name.startswith(("sock_", "_sock_")) and "sendfile" not in name],
))
cdef object Future = asyncio.Future
cdef object WeakValueDictionary = weakref.WeakValueDictionary
cdef object NOTHING = object()


def register_class(cls, /):
    """Make *cls* the class of the loops. It has the coroutines of `sock_methods.py` as methods."""
    methods.register_class(cls)


@cython.binding(False)
def has_original_methods(loop, /):
    """Whether nobody has replaced the methods that C code goes round."""
    return methods.are_those_of(type(loop))


@cython.binding(False)
def is_usual(loop, sock, /):
    """Whether C code may go round asyncio's coroutines for *sock*."""
    return (
        is_of_known_class(sock) and not is_debug(loop) and methods.are_those_of(type(loop))
    )


@cython.final
cdef class SockOperation:
    """A call of a socket's method that is made again when the socket is ready."""

    cdef object loop, sock, fd, handle, future, iterator
    cdef object method         # what is called when the socket is ready; None for recv and sendall
    cdef tuple arguments
    cdef Py_ssize_t bufsize    # of `sock_recv`
    cdef object unsent         # of `sock_sendall`; None for the others
    cdef int mask
    cdef uint32_t tag          # of the registration for one event; 0 of an ordinary one

    def __call__(self):
        """Called when the socket is ready."""
        cdef object result
        if self.future is None or self.future.done():
            return
        try:
            result = self.call()
        except (BlockingIOError, InterruptedError):
            self.wait_again()
            return
        except (SystemExit, KeyboardInterrupt):
            self.wait_again()
            raise
        except BaseException as error:
            future = self.future
            self.end_wait(True)
            future.set_exception(error)
            return
        if result is NOTHING:
            self.wait_again()
            return
        future = self.future
        self.end_wait(True)
        future.set_result(result)

    cdef object call(self):
        """What the method returns; NOTHING to wait again."""
        if self.method is not None:
            return self.method(*self.arguments)
        if self.mask == EVENT_READ:
            data = receive(self.sock, self.bufsize)
            return NOTHING if data is None else data
        self.unsent = self.unsent[send(self.sock, self.unsent):]
        return NOTHING if len(self.unsent) else None

    cdef int wait(self) except -1:
        """Wait for the first time."""
        cdef object handle, data
        self.fd = self.sock.fileno()
        ensure_no_transport(self.loop, self.fd)
        self.future = create_future_of(self.loop)
        if is_plain(self.loop) and is_plain_selector(selector_of(self.loop)):
            check_closed(self.loop)
            handle = new_handle(self, (), self.loop, None)
            data = (handle, None) if self.mask == EVENT_READ else (None, handle)
            self.tag = register_once(selector_of(self.loop), self.fd, self.mask, data)
            self.handle = handle
        if self.tag == 0:
            if self.mask == EVENT_READ:
                self.handle = self.loop._add_reader(self.fd, self)
            else:
                self.handle = self.loop._add_writer(self.fd, self)
        return 0

    cdef int wait_again(self) except -1:
        if (self.tag != 0 and not is_cancelled(self.handle)
                and not register_again(selector_of(self.loop), self.fd, self.mask, self.tag)):
            self.tag = 0  # registered anew by somebody, not for one event
        return 0

    cdef int end_wait(self, bint after_event) except -1:
        """Unregister what still has this operation's handle."""
        cdef object handle = self.handle
        self.handle = self.future = None  # no cycle with the handle, or with an exception's traceback
        if handle is None:
            return 0
        if after_event and self.tag != 0 and unregister_fired(selector_of(self.loop), self.fd, self.tag):
            return 0
        if is_cancelled(handle):
            return 0
        try:
            if self.mask == EVENT_READ:
                self.loop.remove_reader(self.fd)
            else:
                self.loop.remove_writer(self.fd)
        except RuntimeError:  # a transport has the number by now: at the next event the loop removes
            handle.cancel()
        return 0

    def __await__(self):
        return self

    def __next__(self):
        cdef int is_done = False
        cdef object result
        if self.iterator is None:
            self.iterator = self.future.__await__()
        result = send_none(self.iterator, &is_done)
        if is_done:
            raise StopIteration(result)
        return result

    def send(self, value):
        """As of a coroutine."""
        return self.__next__()

    def throw(self, *exception):
        """As of a coroutine: a task that is cancelled calls it, and so does a failed future."""
        self.end_wait(False)
        if self.iterator is None:
            raise exception[0]
        return self.iterator.throw(*exception)

    def close(self):
        """As of a coroutine."""
        self.end_wait(False)


cdef int ensure_no_transport(object loop, object fd) except -1:
    """`_ensure_fd_no_transport`, which mostly finds no transport in a dict of weak references."""
    cdef object transports = loop._transports
    if (type(transports) is not WeakValueDictionary or type(fd) is not int
            or PyDict_Contains(transports.data, fd)):
        loop._ensure_fd_no_transport(fd)
    return 0


cdef object receive(object sock, object bufsize):
    """`recv` of one of the sockets that sock_methods.py lets through; None where it would block."""
    if type(bufsize) is int and has_original(sock):
        return receive_if_ready(<socket>sock, bufsize)
    try:
        return sock.recv(bufsize)
    except (BlockingIOError, InterruptedError):
        return None


cdef object send(object sock, object data):
    """`send` of one of the sockets that sock_methods.py lets through."""
    return send_bytes(<socket>sock, data) if has_original(sock) else sock.send(data)


cdef SockOperation new_operation(object loop, object sock, int mask):
    cdef SockOperation operation = SockOperation()
    operation.loop, operation.sock, operation.mask = loop, sock, mask
    return operation


cdef SockOperation new_call(object loop, object sock, int mask, object method, tuple arguments):
    cdef SockOperation operation = new_operation(loop, sock, mask)
    operation.method, operation.arguments = method, arguments
    operation.wait()
    return operation


@cython.binding(False)
def start_recv(loop, sock, bufsize):
    """Return what `sock.recv(bufsize)` returns, or a SockOperation that waits for it."""
    cdef SockOperation operation
    cdef object data = receive(sock, bufsize)
    if data is not None:
        return data
    operation = new_operation(loop, sock, EVENT_READ)
    operation.bufsize = bufsize
    operation.wait()
    return operation


@cython.binding(False)
def start_sendall(loop, sock, data):
    """Return None if all of *data* was sent, or a SockOperation that sends the rest."""
    cdef SockOperation operation
    cdef object sent
    try:
        sent = send(sock, data)
    except (BlockingIOError, InterruptedError):
        sent = 0
    if type(data) is not bytes and type(data) is not bytearray:
        data = memoryview(data).cast("B")  # what is counted is bytes, not items
    if sent == len(data):
        return None
    operation = new_operation(loop, sock, EVENT_WRITE)
    operation.unsent = memoryview(data)[sent:]
    operation.wait()
    return operation


@cython.binding(False)
def start_reading(loop, sock, method, *arguments):
    """Return what *method* returns, or a SockOperation that waits until *sock* is readable."""
    try:
        return method(*arguments)
    except (BlockingIOError, InterruptedError):
        pass
    return new_call(loop, sock, EVENT_READ, method, arguments)


@cython.binding(False)
def start_writing(loop, sock, method, *arguments):
    """Return what *method* returns, or a SockOperation that waits until *sock* is writable."""
    try:
        return method(*arguments)
    except (BlockingIOError, InterruptedError):
        pass
    return new_call(loop, sock, EVENT_WRITE, method, arguments)


@cython.binding(False)
def wait_writable(loop, sock, method, *arguments):
    """Return a SockOperation that calls *method* when *sock* is writable."""
    return new_call(loop, sock, EVENT_WRITE, method, arguments)
