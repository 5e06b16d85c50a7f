/* What a Handle has, and the call of its callback. */
#ifndef PYSOCK_ASYNCIO_LOOP_H
#define PYSOCK_ASYNCIO_LOOP_H

#include <Python.h>

#include <structmember.h>

/* Where an object has what slot, of its class, describes; 0 if it is no slot. */
static inline Py_ssize_t pysock_offset_of(PyObject *slot) {
    if (!Py_IS_TYPE(slot, &PyMemberDescr_Type)) {
        return 0;
    }
    const PyMemberDef *member = ((PyMemberDescrObject *)slot)->d_member;
    return member->type == T_OBJECT_EX ? member->offset : 0;
}

/* What object has there, or None; the reference is the caller's. */
static inline PyObject *pysock_at(PyObject *object, PyObject *slot, Py_ssize_t offset) {
#ifdef Py_GIL_DISABLED
    (void)offset; /* another thread may be about to release what is there: not for us to read */
    return Py_TYPE(slot)->tp_descr_get(slot, object, (PyObject *)Py_TYPE(object));
#else
    (void)slot;
    PyObject *found = *(PyObject **)((char *)object + offset);
    if (found == NULL) {
        found = Py_None;
    }
    Py_INCREF(found);
    return found;
#endif
}

/* context.run(callback, *arguments) */
static inline PyObject *pysock_run_in(PyObject *context, PyObject *callback, PyObject *arguments) {
    if (Py_EnterRecursiveCall(" while calling a callback")) {
        return NULL;
    }
    PyObject *result = NULL;
    if (PyContext_Enter(context) == 0) {
        result = PyObject_Vectorcall(callback, &PyTuple_GET_ITEM(arguments, 0),
                                     (size_t)PyTuple_GET_SIZE(arguments), NULL);
        if (PyContext_Exit(context) < 0) {
            Py_CLEAR(result);
        }
    }
    Py_LeaveRecursiveCall();
    return result;
}

#endif
