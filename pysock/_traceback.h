/* No frame of the Cython layer in a traceback, as the interpreter's own C methods leave none.
 *
 * Cython makes a frame for each of its functions that an exception passes through, to name the
 * line of the .pyx. For a BlockingIOError that a selector loop raises and catches all day, those
 * frames cost more than the exception. PyFrame_New is what it makes them with, and all it is used
 * for. A debug build (NDEBUG not defined) keeps them.
 *
 * A module that includes this, by cimport of _errors, must raise again in every `except` clause
 * that names the exception or re-raises in one of its branches: where such a clause ends otherwise,
 * Cython releases a traceback without asking whether there is one.
 */
#ifndef PYSOCK_TRACEBACK_H
#define PYSOCK_TRACEBACK_H

#include <Python.h>

#include <frameobject.h>

#ifdef NDEBUG
#define PyFrame_New(tstate, code, globals, locals) ((PyFrameObject *)NULL)
#endif

#endif
