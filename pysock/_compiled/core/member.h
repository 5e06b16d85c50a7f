/* The slots of an object whose class has `__slots__`, read and written where they are.
 *
 * The class has a member descriptor for each slot, with the slot's offset. Python code reads and
 * writes the same slot by its name, as an attribute.
 */
#ifndef PYSOCK_MEMBER_H
#define PYSOCK_MEMBER_H

#include <Python.h>

#include <stddef.h>
#include <structmember.h>

/* The slot of cls with this name. NULL with a TypeError if the attribute is not a slot. */
static inline PyMemberDef *pysock_member_of(PyObject *cls, PyObject *name) {
    PyObject *descriptor = PyObject_GetAttr(cls, name);
    if (descriptor == NULL) {
        return NULL;
    }
    PyMemberDef *member = NULL;
    if (Py_TYPE(descriptor) == &PyMemberDescr_Type) {
        member = ((PyMemberDescrObject *)descriptor)->d_member;
    }
    Py_DECREF(descriptor); /* the class keeps it */
    if (member == NULL || member->type != T_OBJECT_EX) {
        PyErr_Format(PyExc_TypeError, "%R.%U is not a slot", cls, name);
        return NULL;
    }
    return member;
}

static inline PyObject **pysock_slot_of(PyObject *instance, const PyMemberDef *member) {
    return (PyObject **)(void *)((char *)instance + member->offset);
}

/* A new reference; NULL with an AttributeError if the slot is empty. */
static inline PyObject *pysock_get_member(PyObject *instance, PyMemberDef *member) {
#ifndef Py_GIL_DISABLED
    PyObject *value = *pysock_slot_of(instance, member);
    if (value != NULL) {
        Py_INCREF(value);
        return value;
    }
#endif
    return PyMember_GetOne((const char *)instance, member);
}

/* Whether the slot has this very object. */
static inline int pysock_member_is(PyObject *instance, const PyMemberDef *member, PyObject *value) {
    return *pysock_slot_of(instance, member) == value;
}

static inline int pysock_set_member(PyObject *instance, PyMemberDef *member, PyObject *value) {
#ifndef Py_GIL_DISABLED
    PyObject **slot = pysock_slot_of(instance, member);
    PyObject *old = *slot;
    Py_INCREF(value);
    *slot = value;
    Py_XDECREF(old);
    return 0;
#else
    return PyMember_SetOne((char *)instance, member, value);
#endif
}

/* An instance of cls whose slots are empty: `__init__` is not called. */
static inline PyObject *pysock_new_instance(PyObject *cls) {
    return ((PyTypeObject *)cls)->tp_alloc((PyTypeObject *)cls, 0);
}

/* For an object that no other code has seen. */
static inline void pysock_init_member(PyObject *instance, const PyMemberDef *member,
                                      PyObject *value) {
    Py_INCREF(value);
    *pysock_slot_of(instance, member) = value;
}

#endif
