/* What a callback's call needs of its Handle, and the call. */
#ifndef PYSOCK_ASYNCIO_HANDLE_H
#define PYSOCK_ASYNCIO_HANDLE_H

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

/* What is there, or None; the reference is the caller's. */
static inline PyObject *pysock_at(PyObject *object, Py_ssize_t offset) {
    PyObject *found = *(PyObject **)((char *)object + offset);
    if (found == NULL) {
        found = Py_None;
    }
    Py_INCREF(found);
    return found;
}

/* context.run(callback, *arguments): what it raised, or None. */
static inline PyObject *pysock_error_of(PyObject *context, PyObject *callback,
                                        PyObject *arguments) {
    PyObject *result = NULL;
    if (PyContext_Enter(context) == 0) {
        result = PyObject_Vectorcall(callback, &PyTuple_GET_ITEM(arguments, 0),
                                     (size_t)PyTuple_GET_SIZE(arguments), NULL);
        if (PyContext_Exit(context) < 0) {
            Py_CLEAR(result);
        }
    }
    if (result != NULL) {
        Py_DECREF(result);
        Py_RETURN_NONE;
    }
#if PY_VERSION_HEX >= 0x030C0000
    return PyErr_GetRaisedException();
#else
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    if (traceback != NULL) {
        PyException_SetTraceback(error, traceback);
        Py_DECREF(traceback);
    }
    Py_DECREF(type);
    return error;
#endif
}

#endif
