/* The version of a class. */
#ifndef PYSOCK_CLASS_VERSION_H
#define PYSOCK_CLASS_VERSION_H

#include <Python.h>

/* A number that only this class has, and only until an attribute of it or of a base class changes.
 * 0 if the interpreter has given it none. */
static inline unsigned long pysock_version_of(PyObject *cls) {
    PyTypeObject *type = (PyTypeObject *)cls;
#if defined(Py_GIL_DISABLED)
    return __atomic_load_n(&type->tp_version_tag, __ATOMIC_ACQUIRE);
#elif PY_VERSION_HEX < 0x030B0000
    return PyType_HasFeature(type, Py_TPFLAGS_VALID_VERSION_TAG) ? type->tp_version_tag : 0;
#else
    return type->tp_version_tag;
#endif
}

#endif
