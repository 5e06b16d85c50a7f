"""The definitions of methods and functions in C. The reasons are in method_descriptor.pyx."""

from cpython.object cimport PyTypeObject

cdef extern from "Python.h":
    ctypedef void *(*PyCFunction)(void *, void *)

    ctypedef struct PyMethodDef:
        PyCFunction ml_meth
        int ml_flags
        const char *ml_doc

    object PyDescr_NewMethod(PyTypeObject *type, PyMethodDef *method)
    object PyCFunction_NewEx(PyMethodDef *method, object self, object module)

    int METH_FASTCALL, METH_KEYWORDS, METH_O

cdef PyMethodDef *definition_of(object thing) noexcept
cdef void *permanent_copy(const void *data, size_t size) except NULL
