"""The progress of an interrupted call: an attribute of the exception that ended it."""

from cpython.exc cimport PyErr_Clear


cdef extern from "Python.h":
    # Declared without an exception value, so that the caller can clear the exception.
    int PyObject_GenericSetAttr(object o, object name, object value)


cdef inline void set_progress(object error, object name, object value) noexcept:
    """Set the attribute *name* of *error* to *value*, if it can have attributes.

    The `__setattr__` of its class is not called. A signal handler may raise an exception whose class
    refuses attributes, or runs Python code to set them.
    """
    if PyObject_GenericSetAttr(error, name, value) < 0:
        PyErr_Clear()
