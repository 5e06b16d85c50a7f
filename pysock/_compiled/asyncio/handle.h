/* Reads the slots of an asyncio.Handle, and runs its callback. */
#ifndef PYSOCK_ASYNCIO_HANDLE_H
#define PYSOCK_ASYNCIO_HANDLE_H

#include <Python.h>

#include <structmember.h>

/* Whether this is the descriptor of a name in a class's __slots__. */
static inline int pysock_is_slot(PyObject *slot) {
    return Py_IS_TYPE(slot, &PyMemberDescr_Type) &&
           ((PyMemberDescrObject *)slot)->d_member->type == T_OBJECT_EX;
}

/* The value of a slot of an object whose class has that slot, or None. Returns a new reference. */
static inline PyObject *pysock_slot_value(PyObject *object, PyObject *slot) {
#ifdef Py_GIL_DISABLED
    /* Another thread may release the value at this moment. The descriptor reads it safely. */
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

/* Does what context.run(callback, *arguments) does. */
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
