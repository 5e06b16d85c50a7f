# cython: binding=False
"""Methods of `socket` that are of the standard library's kind.

`_socket.socket.recv` is a method descriptor of `_socket.socket`. Profilers, mocks and tracers know a
method in C by that kind. So pysock's methods are such descriptors, too, with another C function
behind them. Cython makes the PyMethodDef of that function when it is the method of an extension type
and is compiled with binding=False.
"""

import _socket

from cpython.mem cimport PyMem_RawMalloc
from cpython.object cimport PyTypeObject
from libc.string cimport memcpy


cdef extern from "Python.h":
    ctypedef struct PyMethodDef:
        const char *ml_doc

    ctypedef struct PyMethodDescrObject:
        PyMethodDef *d_method

    object PyDescr_NewMethod(PyTypeObject *type, PyMethodDef *method)

cdef object Descriptor = type(_socket.socket.fileno)

cdef bytes SIGNATURE_END = b"--\n\n"  # of the text signature, which stands before the docstring


cdef bytes doc_of(object method):
    cdef const char *doc = (<PyMethodDescrObject *>method).d_method.ml_doc
    return <bytes>doc if doc != NULL else b""


cdef void *permanent_copy(const void *data, size_t size) except NULL:
    """A copy that is never freed: the interpreter keeps pointers into it."""
    cdef void *memory = PyMem_RawMalloc(size)
    if memory == NULL:
        raise MemoryError()
    memcpy(memory, data, size)
    return memory


def method_descriptor(method, /):
    """A method descriptor of `_socket.socket` with the C function of *method*.

    *method* is a method descriptor of another extension type. If `_socket.socket` has a method of
    that name, the text signature is the one that this interpreter gives it, or none.
    """
    cdef PyMethodDef definition
    cdef bytes doc
    if type(method) is not Descriptor:
        raise TypeError(f"a method descriptor is needed, not {type(method).__name__}")
    definition = (<PyMethodDescrObject *>method).d_method[0]
    doc = doc_of(method)
    theirs = getattr(_socket.socket, method.__name__, None)
    if type(theirs) is Descriptor:
        signature, end, _ = doc_of(theirs).rpartition(SIGNATURE_END)
        doc = signature + end + doc.rpartition(SIGNATURE_END)[2]
    definition.ml_doc = <const char *>permanent_copy(<const char *>doc, <size_t>len(doc) + 1)
    return PyDescr_NewMethod(
        <PyTypeObject *>_socket.socket,
        <PyMethodDef *>permanent_copy(&definition, sizeof(definition)),
    )
