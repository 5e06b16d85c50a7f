"""The keys of a selector, made and read without the Python functions of their class.

A key is a `selectors.SelectorKey`, a named tuple: code of the standard library reads its fields by
their names, and C code by their indices.
"""

from cpython.object cimport PyObject, PyTypeObject
from cpython.tuple cimport PyTuple_GET_ITEM

from ..._shared import original
from ..core cimport traceback
from .registered cimport nonnegative_int

cdef object SelectorKey = original.SelectorKey


cdef object new_key(object fileobj, object fd, object events, object data):
    """Make a SelectorKey without the Python function that its class has as `__new__`."""
    cdef tuple arguments = ((fileobj, fd, events, data),)
    return (<PyTypeObject *>tuple).tp_new(<type>SelectorKey, <PyObject *>arguments, NULL)


cdef bint is_key_of(object key, int fileno) except -1:
    """Whether *key* is exactly a SelectorKey, and of this descriptor."""
    return is_key(key) and nonnegative_int(<object>PyTuple_GET_ITEM(key, KEY_FD)) == fileno
