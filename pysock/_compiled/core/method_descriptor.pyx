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
        PyCFunction one
        PyObject *standard
        PyObject *names
        Py_ssize_t least
        Py_ssize_t most

    ctypedef struct pysock_counted_pair:
        pysock_function many
        pysock_function one

    enum:
        PYSOCK_COUNTED
    pysock_counted *pysock_counted_methods
    pysock_counted_pair *pysock_counted_functions

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
    """A copy of the definition of *ours*, with the text signature that *theirs* has, or none.

    From Python 3.13 on the interpreter makes one up for a function that takes one argument. So it
    is asked, and not the definition of *theirs*.
    """
    cdef PyMethodDef definition
    cdef bytes doc
    if definition_of(ours) == NULL:
        raise TypeError(f"a function in C is needed, not {type(ours).__name__}")
    definition = definition_of(ours)[0]
    doc = definition.ml_doc if definition.ml_doc != NULL else b""
    if definition_of(theirs) != NULL:
        doc = doc.rpartition(SIGNATURE_END)[2]
        signature = theirs.__text_signature__
        if signature is not None:
            doc = f"{theirs.__name__}{signature}\n".encode() + SIGNATURE_END + doc
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


cdef PyMethodDef *counted_definition(object ours, object standard, Py_ssize_t least,
                                     Py_ssize_t most, tuple names) except NULL:
    """The same with a C function that leaves a call that does not fit to *standard*."""
    global counted
    cdef PyMethodDef *definition = definition_like(ours, standard)
    cdef pysock_counted *entry = &pysock_counted_methods[counted]
    if counted == PYSOCK_COUNTED or definition_of(standard) == NULL:
        raise TypeError(f"{ours.__name__} cannot be counted")
    entry.function, entry.one = NULL, NULL
    if definition.ml_flags == METH_O and least == most == 1:
        entry.one = definition.ml_meth
        definition.ml_meth = <PyCFunction>pysock_counted_functions[counted].one
    elif definition.ml_flags == METH_FASTCALL | METH_KEYWORDS:
        entry.function = <pysock_function>definition.ml_meth
        definition.ml_meth = <PyCFunction>pysock_counted_functions[counted].many
    else:
        raise TypeError(f"{ours.__name__} cannot be counted")
    definition.ml_flags = METH_FASTCALL | METH_KEYWORDS
    Py_INCREF(standard)  # for ever, as the definition itself
    Py_INCREF(names)
    entry.standard, entry.names = <PyObject *>standard, <PyObject *>names
    entry.least, entry.most = least, most
    counted += 1
    return definition


def counted_method_descriptor(method, Py_ssize_t least, Py_ssize_t most, tuple names=(), /):
    """The same for a method that gets *least* to *most* arguments, which may have these *names*.

    Any other call goes to the method of that name of `_socket.socket`, for its exception. Cython
    would raise one with a text of its own.
    """
    standard = getattr(_socket.socket, method.__name__)
    return PyDescr_NewMethod(
        <PyTypeObject *>_socket.socket,
        counted_definition(method, standard, least, most, names),
    )


def counted_builtin_function(function, Py_ssize_t count, /):
    """A builtin function with the C function of *function*, for a name of the module `_socket`.

    It takes *count* arguments. Any other call goes to the function of that name, for its exception.
    The first parameter of its text signature is the module, which is its `__self__`, as there. Its
    `__module__` is not: pickle looks a builtin function up in the module of that name, and refuses
    one that is not the very object found there.
    """
    standard = getattr(_socket, function.__name__)
    return PyCFunction_NewEx(
        counted_definition(function, standard, count, count, ()), _socket, function.__module__)
