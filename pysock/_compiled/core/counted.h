/* Methods and functions that check the number and the names of their arguments before Cython's
 * function does.
 *
 * For a call that does not fit, the interpreter's own method or function raises the exception, so
 * its text is the interpreter's. A PyMethodDef has no place for data, so each of them needs a C
 * function of its own. */
#ifndef PYSOCK_COUNTED_H
#define PYSOCK_COUNTED_H

#include <Python.h>

enum { PYSOCK_COUNTED = 24 };

typedef PyObject *(*pysock_function)(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);

typedef struct {
    pysock_function function; /* Cython's; NULL if it is called with one argument always */
    PyCFunction one;          /* then it is this */
    PyObject *standard;       /* the interpreter's method descriptor or builtin function */
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
        return method->one ? method->one(self, args[0])
                           : method->function(self, args, given, names);
    if (PyCFunction_Check(method->standard)) /* it has its module itself */
        return PyObject_Vectorcall(method->standard, args, (size_t)given, names);
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

static inline PyObject *pysock_call_counted_one(const pysock_counted *method, PyObject *self,
                                                PyObject *const *args, Py_ssize_t given,
                                                PyObject *names) {
    if (!names && given == 1)
        return method->one(self, args[0]);
    return pysock_call_unusual(method, self, args, given, names);
}

#define PYSOCK_COUNTED_FUNCTION(i)                                                                 \
    static PyObject *pysock_counted_##i(PyObject *self, PyObject *const *args, Py_ssize_t given,   \
                                        PyObject *names) {                                         \
        return pysock_call_counted(&pysock_counted_methods[i], self, args, given, names);          \
    }                                                                                              \
    static PyObject *pysock_counted_one_##i(PyObject *self, PyObject *const *args,                 \
                                            Py_ssize_t given, PyObject *names) {                   \
        return pysock_call_counted_one(&pysock_counted_methods[i], self, args, given, names);      \
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
PYSOCK_COUNTED_FUNCTION(16)
PYSOCK_COUNTED_FUNCTION(17)
PYSOCK_COUNTED_FUNCTION(18)
PYSOCK_COUNTED_FUNCTION(19)
PYSOCK_COUNTED_FUNCTION(20)
PYSOCK_COUNTED_FUNCTION(21)
PYSOCK_COUNTED_FUNCTION(22)
PYSOCK_COUNTED_FUNCTION(23)

typedef struct {
    pysock_function many;
    pysock_function one;
} pysock_counted_pair;

#define PYSOCK_COUNTED_PAIR(i) {pysock_counted_##i, pysock_counted_one_##i}
static const pysock_counted_pair pysock_counted_functions[PYSOCK_COUNTED] = {
    PYSOCK_COUNTED_PAIR(0),  PYSOCK_COUNTED_PAIR(1),  PYSOCK_COUNTED_PAIR(2),
    PYSOCK_COUNTED_PAIR(3),  PYSOCK_COUNTED_PAIR(4),  PYSOCK_COUNTED_PAIR(5),
    PYSOCK_COUNTED_PAIR(6),  PYSOCK_COUNTED_PAIR(7),  PYSOCK_COUNTED_PAIR(8),
    PYSOCK_COUNTED_PAIR(9),  PYSOCK_COUNTED_PAIR(10), PYSOCK_COUNTED_PAIR(11),
    PYSOCK_COUNTED_PAIR(12), PYSOCK_COUNTED_PAIR(13), PYSOCK_COUNTED_PAIR(14),
    PYSOCK_COUNTED_PAIR(15), PYSOCK_COUNTED_PAIR(16), PYSOCK_COUNTED_PAIR(17),
    PYSOCK_COUNTED_PAIR(18), PYSOCK_COUNTED_PAIR(19), PYSOCK_COUNTED_PAIR(20),
    PYSOCK_COUNTED_PAIR(21), PYSOCK_COUNTED_PAIR(22), PYSOCK_COUNTED_PAIR(23),
};

#endif
