/* Whether the thread has a trace or a profile function (sys.settrace, sys.setprofile). */
#ifndef PYSOCK_TRACING_H
#define PYSOCK_TRACING_H

#include <Python.h>

static inline int pysock_is_traced(void) {
    PyThreadState *thread = PyThreadState_Get();
    return thread->c_tracefunc != NULL || thread->c_profilefunc != NULL;
}

#endif
