/* Calling a callback in a context, as Context.run does. */
#ifndef PYSOCK_CALLBACK_H
#define PYSOCK_CALLBACK_H

#include <Python.h>

/* The interpreter exports it for its own extension modules. It adds an entry to the traceback of
 * the exception that is set. */
PyAPI_FUNC(void) _PyTraceback_Add(const char *function, const char *file, int line);

/* Call callback with the tuple arguments; -1 with an exception. */
static inline int pysock_call_in(PyObject *context, PyObject *callback, PyObject *arguments) {
    if (PyContext_Enter(context) < 0) {
        return -1;
    }
    PyObject *result = PyObject_Vectorcall(callback, &PyTuple_GET_ITEM(arguments, 0),
                                           (size_t)PyTuple_GET_SIZE(arguments), NULL);
    if (result == NULL) {
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        (void)PyContext_Exit(context);
        PyErr_Restore(type, value, traceback);
        return -1;
    }
    Py_DECREF(result);
    return PyContext_Exit(context);
}

/* Call a C function with argument; -1 with an exception. */
static inline int pysock_call_c_in(PyObject *context, int (*function)(PyObject *),
                                   PyObject *argument) {
    if (PyContext_Enter(context) < 0) {
        return -1;
    }
    if (function(argument) < 0) {
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        (void)PyContext_Exit(context);
        PyErr_Restore(type, value, traceback);
        return -1;
    }
    return PyContext_Exit(context);
}

/* Take the exception that is set, with its traceback. */
static inline PyObject *pysock_take_exception(void) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != NULL) {
        PyException_SetTraceback(value, traceback);
    }
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return value;
}

/* Set it again, as it was. */
static inline void pysock_restore_exception(PyObject *error) {
    PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(error)), Py_NewRef(error),
                  PyException_GetTraceback(error));
}

/* Call function(argument) as the body of an except clause for error: sys.exc_info() has it. */
static inline PyObject *pysock_call_handling(PyObject *error, PyObject *function,
                                             PyObject *argument) {
    PyObject *type, *value, *traceback;
    PyErr_GetExcInfo(&type, &value, &traceback);
    PyErr_SetExcInfo(Py_NewRef((PyObject *)Py_TYPE(error)), Py_NewRef(error),
                     PyException_GetTraceback(error));
    PyObject *result = PyObject_CallOneArg(function, argument);
    PyErr_SetExcInfo(type, value, traceback);
    return result;
}

#endif
