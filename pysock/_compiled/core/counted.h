/* Methods that check the number and the names of their arguments before Cython's function does.
 *
 * For a call that does not fit, the interpreter's own method raises the exception, so its text is
 * the interpreter's. A PyMethodDef has no place for data, so each method needs a C function of its
 * own. */
#ifndef PYSOCK_COUNTED_H
#define PYSOCK_COUNTED_H

#include <Python.h>

enum { PYSOCK_COUNTED = 16 };

typedef PyObject *(*pysock_function)(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);

typedef struct {
    pysock_function function; /* Cython's */
    PyObject *standard;       /* the interpreter's method descriptor */
    PyObject *names;          /* of the parameters, a tuple; empty if they are positional only */
    Py_ssize_t least, most;   /* how many arguments a call may have */
} pysock_counted;

static pysock_counted pysock_counted_methods[PYSOCK_COUNTED];

static int pysock_names_fit(const pysock_counted *method, Py_ssize_t given, PyObject *names) {
    Py_ssize_t known = PyTuple_GET_SIZE(method->names);
    unsigned found = (1u << given) - 1;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++) {
        Py_ssize_t at = 0;
        while (at < known && PyUnicode_Compare(PyTuple_GET_ITEM(names, i),
                                               PyTuple_GET_ITEM(method->names, at)) != 0)
            at++;
        if (at == known || found & 1u << at)
            return 0; /* unknown, or given twice */
        found |= 1u << at;
    }
    return (~found & ((1u << method->least) - 1)) == 0;
}

/* A call with names, or with too few or too many arguments. Not inlined: the usual call needs none
 * of its registers. */
__attribute__((noinline, cold)) static PyObject *
pysock_call_unusual(const pysock_counted *method, PyObject *self, PyObject *const *args,
                    Py_ssize_t given, PyObject *names) {
    Py_ssize_t all = given + (names ? PyTuple_GET_SIZE(names) : 0);
    PyObject **stack;
    PyObject *result;
    if (names && given <= method->most && pysock_names_fit(method, given, names))
        return method->function(self, args, given, names);
    stack = PyMem_New(PyObject *, (size_t)all + 1);
    if (!stack)
        return PyErr_NoMemory();
    stack[0] = self;
    for (Py_ssize_t i = 0; i < all; i++)
        stack[i + 1] = args[i];
    result = PyObject_Vectorcall(method->standard, stack, (size_t)given + 1, names);
    PyMem_Free(stack);
    return result;
}

static inline PyObject *pysock_call_counted(const pysock_counted *method, PyObject *self,
                                            PyObject *const *args, Py_ssize_t given,
                                            PyObject *names) {
    if (!names && given >= method->least && given <= method->most)
        return method->function(self, args, given, NULL);
    return pysock_call_unusual(method, self, args, given, names);
}

#define PYSOCK_COUNTED_FUNCTION(i)                                                                 \
    static PyObject *pysock_counted_##i(PyObject *self, PyObject *const *args, Py_ssize_t given,   \
                                        PyObject *names) {                                         \
        return pysock_call_counted(&pysock_counted_methods[i], self, args, given, names);          \
    }
PYSOCK_COUNTED_FUNCTION(0)
PYSOCK_COUNTED_FUNCTION(1)
PYSOCK_COUNTED_FUNCTION(2)
PYSOCK_COUNTED_FUNCTION(3)
PYSOCK_COUNTED_FUNCTION(4)
PYSOCK_COUNTED_FUNCTION(5)
PYSOCK_COUNTED_FUNCTION(6)
PYSOCK_COUNTED_FUNCTION(7)
PYSOCK_COUNTED_FUNCTION(8)
PYSOCK_COUNTED_FUNCTION(9)
PYSOCK_COUNTED_FUNCTION(10)
PYSOCK_COUNTED_FUNCTION(11)
PYSOCK_COUNTED_FUNCTION(12)
PYSOCK_COUNTED_FUNCTION(13)
PYSOCK_COUNTED_FUNCTION(14)
PYSOCK_COUNTED_FUNCTION(15)

static const pysock_function pysock_counted_functions[PYSOCK_COUNTED] = {
    pysock_counted_0,  pysock_counted_1,  pysock_counted_2,  pysock_counted_3,
    pysock_counted_4,  pysock_counted_5,  pysock_counted_6,  pysock_counted_7,
    pysock_counted_8,  pysock_counted_9,  pysock_counted_10, pysock_counted_11,
    pysock_counted_12, pysock_counted_13, pysock_counted_14, pysock_counted_15,
};

#endif
