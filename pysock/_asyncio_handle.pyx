"""The `_run` of asyncio's Handle, in C: an event loop runs one for each callback.

What a callback raises is told by the standard library's own `_run`: which exceptions pass, and what
the loop's exception handler gets, are its affair.
"""

from cpython.tuple cimport PyTuple_CheckExact


cdef extern from "_traceback.h":
    pass

cdef extern from "Python.h":
    bint PyContext_CheckExact(object context)
    bint PyObject_TypeCheck(object thing, type cls)

cdef extern from "_asyncio_handle.h":
    Py_ssize_t offset_of "pysock_offset_of"(object slot) noexcept
    object at "pysock_at"(object thing, Py_ssize_t offset)
    object error_of "pysock_error_of"(object context, object callback, object arguments)


cdef type handle_class = object  # asyncio's own, and where it has what `_run` needs
cdef Py_ssize_t callback_offset = 0
cdef Py_ssize_t arguments_offset = 0
cdef Py_ssize_t context_offset = 0


def asyncio_handle(type base):
    """A class like *base*, which is asyncio's Handle, with its `_run` in C; None if it cannot be."""
    global handle_class, callback_offset, arguments_offset, context_offset
    callback_offset = offset_of(base._callback)
    arguments_offset = offset_of(base._args)
    context_offset = offset_of(base._context)
    handle_class = base
    if not (callback_offset and arguments_offset and context_offset):
        return None
    return type("Handle", (base,), {
        "__doc__": base.__doc__,
        "__module__": __name__.rpartition(".")[0],
        "__slots__": (),
        "_run": _run,
        "_run_in_python": base._run,
    })


cdef class Raised:
    """In the place of a Handle's context: its callback has run, and raised *error*."""
    cdef object handle
    cdef object context
    cdef object arguments
    cdef object error

    def run(self, *_):
        self.handle._context = self.context
        self.handle._args = self.arguments
        raise self.error


def _run(self):
    """Call the callback in its context. `_run_in_python` is the standard library's `_run`."""
    cdef object callback, arguments, context, error
    cdef Raised raised
    if not PyObject_TypeCheck(self, handle_class):
        raise TypeError(f"_run() is a method of Handle, not of {type(self).__name__}")
    callback = at(self, callback_offset)
    arguments = at(self, arguments_offset)
    context = at(self, context_offset)
    if not PyContext_CheckExact(context) or not PyTuple_CheckExact(arguments):
        self._run_in_python()
        return
    error = error_of(context, callback, arguments)
    if error is not None:
        raised = Raised()
        raised.handle = self
        raised.context = context
        raised.arguments = self._args
        raised.error = error
        self._context = raised
        if self._args is None:  # the callback has cancelled its own handle
            self._args = ()
        self._run_in_python()
