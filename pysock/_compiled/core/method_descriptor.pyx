# cython: binding=False
"""Methods and functions of `socket` that are of the standard library's kind.

`_socket.socket.recv` is a method descriptor of `_socket.socket`. Profilers, mocks and tracers know a
method in C by that kind. So pysock's methods are such descriptors, too, with another C function
behind them. Cython makes the PyMethodDef of that function when it is the method of an extension type
and is compiled with binding=False.
"""

import _socket

from cpython.mem cimport PyMem_RawMalloc
from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_INCREF
from libc.string cimport memcpy


cdef extern from "Python.h":
    ctypedef struct PyMethodDescrObject:
        PyMethodDef *d_method

    ctypedef struct PyCFunctionObject:
        PyMethodDef *m_ml

cdef extern from "_compiled/core/counted.h":
    ctypedef void *(*pysock_function)(void *, void *, Py_ssize_t, void *)

    ctypedef struct pysock_counted:
        pysock_function function
        PyObject *standard
        PyObject *names
        Py_ssize_t least
        Py_ssize_t most

    enum:
        PYSOCK_COUNTED
    pysock_counted *pysock_counted_methods
    pysock_function *pysock_counted_functions

cdef int counted = 0  # how many of pysock_counted_methods are in use

cdef object Descriptor = type(_socket.socket.fileno)
cdef object Builtin = type(_socket.dup)

cdef bytes SIGNATURE_END = b"--\n\n"  # of the text signature, which stands before the docstring


cdef PyMethodDef *definition_of(object thing) noexcept:
    """The definition of a method descriptor or a builtin function; NULL for anything else."""
    if type(thing) is Descriptor:
        return (<PyMethodDescrObject *>thing).d_method
    if type(thing) is Builtin:
        return (<PyCFunctionObject *>thing).m_ml
    return NULL


cdef void *permanent_copy(const void *data, size_t size) except NULL:
    """A copy that is never freed: the interpreter keeps pointers into it."""
    cdef void *memory = PyMem_RawMalloc(size)
    if memory == NULL:
        raise MemoryError()
    memcpy(memory, data, size)
    return memory


cdef PyMethodDef *definition_like(object ours, object theirs) except NULL:
    """A copy of the definition of *ours*, with the text signature that *theirs* has, or none."""
    cdef PyMethodDef definition
    cdef PyMethodDef *like = definition_of(theirs)
    cdef bytes doc
    if definition_of(ours) == NULL:
        raise TypeError(f"a function in C is needed, not {type(ours).__name__}")
    definition = definition_of(ours)[0]
    doc = definition.ml_doc if definition.ml_doc != NULL else b""
    if like != NULL:
        signature, end, _ = (<bytes>like.ml_doc).rpartition(SIGNATURE_END)
        doc = signature + end + doc.rpartition(SIGNATURE_END)[2]
    definition.ml_doc = <const char *>permanent_copy(<const char *>doc, <size_t>len(doc) + 1)
    return <PyMethodDef *>permanent_copy(&definition, sizeof(definition))


def method_descriptor(method, /):
    """A method descriptor of `_socket.socket` with the C function of *method*.

    *method* is a method descriptor of another extension type. If `_socket.socket` has a method of
    that name, the text signature is the one that this interpreter gives it.
    """
    return PyDescr_NewMethod(
        <PyTypeObject *>_socket.socket,
        definition_like(method, getattr(_socket.socket, method.__name__, None)),
    )


def counted_method_descriptor(method, Py_ssize_t least, Py_ssize_t most, tuple names=(), /):
    """The same for a method that gets *least* to *most* arguments, which may have these *names*.

    Any other call goes to the method of that name of `_socket.socket`, for its exception. Cython
    would raise one with a text of its own.
    """
    global counted
    cdef object standard = getattr(_socket.socket, method.__name__)
    cdef PyMethodDef *definition = definition_like(method, standard)
    cdef pysock_counted *entry = &pysock_counted_methods[counted]
    if counted == PYSOCK_COUNTED or definition.ml_flags != METH_FASTCALL | METH_KEYWORDS:
        raise TypeError(f"{method.__name__} cannot be counted")
    Py_INCREF(standard)  # for ever, as the definition itself
    Py_INCREF(names)
    entry.function = <pysock_function>definition.ml_meth
    entry.standard, entry.names = <PyObject *>standard, <PyObject *>names
    entry.least, entry.most = least, most
    definition.ml_meth = <PyCFunction>pysock_counted_functions[counted]
    counted += 1
    return PyDescr_NewMethod(<PyTypeObject *>_socket.socket, definition)


def builtin_function(function, /):
    """A builtin function with the C function of *function*, for a name of the module `_socket`.

    The text signature is the one that this interpreter gives the function of that name. It has the
    module as its first parameter, so that module is the function's `__self__`, as there.
    """
    return PyCFunction_NewEx(
        definition_like(function, getattr(_socket, function.__name__)), _socket,
        function.__module__)
