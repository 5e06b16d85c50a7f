"""What a call that is broken off has moved: told by its exception, in an attribute."""

cdef extern from "Python.h":
    int PyObject_GenericSetAttr(object o, object name, object value)  # checked by hand
    void PyErr_Clear()


cdef inline void set_progress(object error, object name, object value) noexcept:
    """Put *value* on an *error* that passes; one that has no place for it passes as it is.

    Its class is not asked: what a handler raises may refuse attributes, or run Python code.
    """
    if PyObject_GenericSetAttr(error, name, value) < 0:
        PyErr_Clear()
