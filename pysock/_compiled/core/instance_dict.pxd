"""The `__dict__` of an instance, which the interpreter makes if it is not there yet."""

cdef extern from "Python.h":
    dict generic_dict "PyObject_GenericGetDict"(object instance, void *unused)
