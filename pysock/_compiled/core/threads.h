/* What threads share, on an interpreter with a GIL and on one without.
 *
 * Where there is a GIL all of this is nothing: plain variables, no locks. In a free-threaded build
 * two threads can be anywhere in the C layer at once; what is more than a variable or a pointer is
 * then guarded by its owner's critical section (cython.critical_section, which is nothing beside a
 * GIL too). Such a build may be told to run with its GIL on: then these are more than it needs.
 */
#ifndef PYSOCK_THREADS_H
#define PYSOCK_THREADS_H

#include <Python.h>

#include <stdbool.h>

/* C++ is another package's module, which reads a socket's fields and no more. */
#if defined(__cplusplus)
#define PYSOCK_SHARED volatile
#elif defined(Py_GIL_DISABLED)
#include <stdatomic.h>
#define PYSOCK_SHARED _Atomic
#else
#define PYSOCK_SHARED
#endif

/* Variables that any thread reads and writes: each is whole by itself, none is in step with
 * another, and of two changes that depend on what was there before one may be lost. */
typedef PYSOCK_SHARED int pysock_shared_int;
typedef PYSOCK_SHARED unsigned char pysock_shared_byte;
typedef PYSOCK_SHARED unsigned long pysock_shared_long;
typedef PYSOCK_SHARED size_t pysock_shared_size;
typedef void *PYSOCK_SHARED pysock_shared_pointer;

#ifndef __cplusplus
#ifdef Py_GIL_DISABLED

enum { PYSOCK_HAS_GIL = 0 };

/* Put value there: what was there before. */
static inline int pysock_exchange(pysock_shared_int *place, int value) {
    return atomic_exchange(place, value);
}

/* Take what is kept there, which then nobody else has; NULL for nothing. */
static inline void *pysock_pop(pysock_shared_pointer *place) {
    return atomic_exchange(place, NULL);
}

/* Keep thing there; 0 where something is kept already. */
static inline int pysock_push(pysock_shared_pointer *place, void *thing) {
    void *nothing = NULL;
    return atomic_compare_exchange_strong(place, &nothing, thing);
}

/* For some instructions that run no Python code. */
typedef PyMutex pysock_lock;

static inline void pysock_acquire(pysock_lock *lock) {
    PyMutex_Lock(lock);
}

static inline void pysock_release(pysock_lock *lock) {
    PyMutex_Unlock(lock);
}

/* What dict has for key, or None. The reference is the caller's from the start: Cython's own
 * `dict.get` borrows one, and counts it when the thing may be gone. */
static inline PyObject *pysock_get(PyObject *dict, PyObject *key) {
    PyObject *found;
    return PyDict_GetItemRef(dict, key, &found) == 0 ? Py_NewRef(Py_None) : found;
}

/* What list has at that place, or None where it has none; the reference is the caller's, too. */
static inline PyObject *pysock_item(PyObject *list, Py_ssize_t place) {
    PyObject *found = PyList_GetItemRef(list, place);
    if (found == NULL) {
        PyErr_Clear();
        found = Py_NewRef(Py_None);
    }
    return found;
}

/* Whether the caller's reference is the only one. Not every build can tell: 0 where it cannot. */
static inline int pysock_is_only_reference(PyObject *object) {
#if PY_VERSION_HEX >= 0x030E0000
    return PyUnstable_Object_IsUniquelyReferenced(object);
#else
    (void)object; /* other threads' references are counted elsewhere */
    return 0;
#endif
}

#else

enum { PYSOCK_HAS_GIL = 1 };

static inline int pysock_exchange(pysock_shared_int *place, int value) {
    int before = *place;
    *place = value;
    return before;
}

static inline void *pysock_pop(pysock_shared_pointer *place) {
    void *taken = *place;
    *place = NULL;
    return taken;
}

static inline int pysock_push(pysock_shared_pointer *place, void *thing) {
    if (*place != NULL) {
        return 0;
    }
    *place = thing;
    return 1;
}

typedef char pysock_lock;

static inline void pysock_acquire(pysock_lock *lock) {
    (void)lock;
}

static inline void pysock_release(pysock_lock *lock) {
    (void)lock;
}

static inline PyObject *pysock_get(PyObject *dict, PyObject *key) {
    PyObject *found = PyDict_GetItemWithError(dict, key);
    if (found == NULL && !PyErr_Occurred()) {
        found = Py_None;
    }
    Py_XINCREF(found);
    return found;
}

static inline PyObject *pysock_item(PyObject *list, Py_ssize_t place) {
    bool is_there = place >= 0 && place < PyList_GET_SIZE(list);
    PyObject *found = is_there ? PyList_GET_ITEM(list, place) : Py_None;
    Py_INCREF(found);
    return found;
}

static inline int pysock_is_only_reference(PyObject *object) {
    return Py_REFCNT(object) == 1;
}

#endif
#endif

#endif
