/* No frame of the Cython layer in a traceback, as the interpreter's own C methods leave none.
 *
 * Cython makes a frame for each of its functions that an exception passes through, to name the
 * line of the .pyx. For a BlockingIOError that a selector loop raises and catches all day, those
 * frames cost more than the exception. PyFrame_New is what it makes them with, and all it is used
 * for. A debug build (NDEBUG not defined) keeps them.
 *
 * So an exception may come to an `except` clause without a traceback, and where the clause is one
 * that puts the exception aside while it runs, Cython releases the traceback without asking whether
 * there is one. tests/core/test_tracebacks.py finds such clauses: let them only set a variable, or
 * raise.
 */
#ifndef PYSOCK_TRACEBACK_H
#define PYSOCK_TRACEBACK_H

#include <Python.h>

#include <frameobject.h>

#ifdef NDEBUG
#define PyFrame_New(tstate, code, globals, locals) ((PyFrameObject *)NULL)
#endif

#endif
