/* What a Handle has, and the call of its callback. */
#ifndef PYSOCK_ASYNCIO_LOOP_H
#define PYSOCK_ASYNCIO_LOOP_H

#include <Python.h>

#include <structmember.h>

/* Whether that is what a class has for a name in its __slots__. */
static inline int pysock_is_slot(PyObject *slot) {
    return Py_IS_TYPE(slot, &PyMemberDescr_Type) &&
           ((PyMemberDescrObject *)slot)->d_member->type == T_OBJECT_EX;
}

/* What object, of a class with that slot, has there, or None; the reference is the caller's. */
static inline PyObject *pysock_at(PyObject *object, PyObject *slot) {
#ifdef Py_GIL_DISABLED
    /* Another thread may be about to release what is there: not for us to read. */
    return Py_TYPE(slot)->tp_descr_get(slot, object, (PyObject *)Py_TYPE(object));
#else
    const PyMemberDef *member = ((PyMemberDescrObject *)slot)->d_member;
    PyObject *found = *(PyObject **)((char *)object + member->offset);
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
