/* The attribute of an instance that a type in C computes, without a look-up of its name. */
#ifndef PYSOCK_GETSET_H
#define PYSOCK_GETSET_H

#include <Python.h>

/* The getter of descriptor, which the caller keeps. NULL with a TypeError if it is of another kind.
 */
static inline PyGetSetDef *pysock_getset_of(PyObject *descriptor) {
    if (Py_TYPE(descriptor) != &PyGetSetDescr_Type) {
        PyErr_Format(PyExc_TypeError, "%R is not an attribute that is computed", descriptor);
        return NULL;
    }
    return ((PyGetSetDescrObject *)descriptor)->d_getset;
}

/* The attribute of instance, which is of the type of the descriptor. */
static inline PyObject *pysock_get(PyObject *instance, const PyGetSetDef *getset) {
    return getset->get(instance, getset->closure);
}

#endif
