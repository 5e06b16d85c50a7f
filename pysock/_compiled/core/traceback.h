/* Keeps the functions of the Cython layer out of tracebacks. CPython's own C methods are in none.
 *
 * Cython makes a frame for each of its functions that an exception passes through, to show the line
 * of the .pyx. A selector loop raises and catches BlockingIOError all the time, and there the
 * frames cost more than the exception. Cython calls PyFrame_New to make them, and for nothing else.
 * A debug build (NDEBUG not defined) keeps them.
 *
 * So an exception may arrive at an `except` clause without a traceback. Some clauses save the
 * exception while they run, and Cython then releases the traceback without testing it for NULL.
 * tests/core/test_tracebacks.py finds such clauses. A clause that only sets a variable, or raises,
 * is not one of them.
 */
#ifndef PYSOCK_TRACEBACK_H
#define PYSOCK_TRACEBACK_H

#include <Python.h>

#include <frameobject.h>

#ifdef NDEBUG
#define PyFrame_New(tstate, code, globals, locals) ((PyFrameObject *)NULL)
#endif

#endif
