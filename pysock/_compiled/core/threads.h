/* Variables that threads share, for an interpreter with a GIL and for one without.
 *
 * With a GIL they are plain variables, and the mutexes do nothing. In a free-threaded build two
 * threads can be in this code at the same time. There a variable or a pointer is atomic, and
 * anything larger is protected by the critical section of its owner (cython.critical_section, which
 * does nothing with a GIL, too). A free-threaded build that runs with its GIL enabled needs none of
 * this, but it has it all the same.
 */
#ifndef PYSOCK_THREADS_H
#define PYSOCK_THREADS_H

#include <Python.h>

#include <stdbool.h>

/* C++ has no _Atomic. A module in C++ belongs to another package, and only reads a socket's fields.
 */
#if defined(__cplusplus)
#define PYSOCK_SHARED volatile
#elif defined(Py_GIL_DISABLED)
#include <stdatomic.h>
#define PYSOCK_SHARED _Atomic
#else
#define PYSOCK_SHARED
#endif

/* Variables that any thread may read and write. Each is consistent by itself, but not with another
 * one. When two threads write a value that depends on the old one, one of the two may be lost. */
typedef PYSOCK_SHARED int pysock_shared_int;
typedef PYSOCK_SHARED unsigned char pysock_shared_byte;
typedef PYSOCK_SHARED int64_t pysock_shared_int64;
/* As long as the version of a class. */
typedef PYSOCK_SHARED unsigned long pysock_shared_long;
typedef PYSOCK_SHARED size_t pysock_shared_size;
typedef void *PYSOCK_SHARED pysock_shared_pointer;

#ifndef __cplusplus
#ifdef Py_GIL_DISABLED

enum { PYSOCK_HAS_GIL = 0 };

/* Write value, and return the old value. */
static inline int pysock_exchange(pysock_shared_int *variable, int value) {
    return atomic_exchange(variable, value);
}

/* A spare is an object or a block of memory that is kept for the next call that needs one. Pop it,
 * so that no other thread has it; NULL where there is none. */
static inline void *pysock_pop_spare(pysock_shared_pointer *spare) {
    return atomic_exchange(spare, NULL);
}

/* Keep unused as the spare. 0 where there is a spare already. */
static inline int pysock_push_spare(pysock_shared_pointer *spare, void *unused) {
    void *none = NULL;
    return atomic_compare_exchange_strong(spare, &none, unused);
}

/* For a few instructions that run no Python code. */
typedef PyMutex pysock_mutex;

static inline void pysock_lock_mutex(pysock_mutex *mutex) {
    PyMutex_Lock(mutex);
}

static inline void pysock_unlock_mutex(pysock_mutex *mutex) {
    PyMutex_Unlock(mutex);
}

/* dict.get(key). Returns a new reference from the start: Cython's own `dict.get` takes a borrowed
 * reference first, and another thread may release the object before it is counted. */
static inline PyObject *pysock_dict_get(PyObject *dict, PyObject *key) {
    PyObject *found;
    return PyDict_GetItemRef(dict, key, &found) == 0 ? Py_NewRef(Py_None) : found;
}

/* list[index], or None where the index is out of range. Returns a new reference, too. */
static inline PyObject *pysock_list_item(PyObject *list, Py_ssize_t index) {
    PyObject *found = PyList_GetItemRef(list, index);
    if (found == NULL) {
        PyErr_Clear();
        found = Py_NewRef(Py_None);
    }
    return found;
}

/* Whether the caller's reference is the only one. 0 also where the build cannot tell. */
static inline int pysock_is_only_reference(PyObject *object) {
#if PY_VERSION_HEX >= 0x030E0000
    return PyUnstable_Object_IsUniquelyReferenced(object);
#else
    (void)object; /* the references of other threads are in another count */
    return 0;
#endif
}

#else

enum { PYSOCK_HAS_GIL = 1 };

static inline int pysock_exchange(pysock_shared_int *variable, int value) {
    int old = *variable;
    *variable = value;
    return old;
}

static inline void *pysock_pop_spare(pysock_shared_pointer *spare) {
    void *popped = *spare;
    *spare = NULL;
    return popped;
}

static inline int pysock_push_spare(pysock_shared_pointer *spare, void *unused) {
    if (*spare != NULL) {
        return 0;
    }
    *spare = unused;
    return 1;
}

typedef char pysock_mutex;

static inline void pysock_lock_mutex(pysock_mutex *mutex) {
    (void)mutex;
}

static inline void pysock_unlock_mutex(pysock_mutex *mutex) {
    (void)mutex;
}

static inline PyObject *pysock_dict_get(PyObject *dict, PyObject *key) {
    PyObject *found = PyDict_GetItemWithError(dict, key);
    if (found == NULL && !PyErr_Occurred()) {
        found = Py_None;
    }
    Py_XINCREF(found);
    return found;
}

static inline PyObject *pysock_list_item(PyObject *list, Py_ssize_t index) {
    bool in_range = index >= 0 && index < PyList_GET_SIZE(list);
    PyObject *found = in_range ? PyList_GET_ITEM(list, index) : Py_None;
    Py_INCREF(found);
    return found;
}

static inline int pysock_is_only_reference(PyObject *object) {
    return Py_REFCNT(object) == 1;
}

#endif
#endif

#endif
