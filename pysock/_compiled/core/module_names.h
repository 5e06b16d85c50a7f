/* Whether a module's dict may have changed since it was looked through.
 *
 * Until Python 3.11 a dict has a version, a number that changes with the dict. From 3.12 on (PEP
 * 699) a dict has none, but can be watched. One count of the changes of all watched dicts is enough
 * here, because the names of a module are hardly ever replaced.
 */
#ifndef PYSOCK_MODULE_NAMES_H
#define PYSOCK_MODULE_NAMES_H

#include "threads.h"

#include <stdint.h>

#if PY_VERSION_HEX >= 0x030C0000

static pysock_shared_int64 pysock_dict_changes = 1;

static int pysock_count_change(PyDict_WatchEvent event, PyObject *dict, PyObject *key,
                               PyObject *value) {
    (void)event, (void)dict, (void)key, (void)value;
    pysock_dict_changes++;
    return 0;
}

/* 0 if the interpreter has no watcher left, or the dict belongs to another interpreter. */
static inline int pysock_watch_dict(PyObject *dict) {
    static int watcher = -1;
    if (watcher < 0) {
        watcher = PyDict_AddWatcher(pysock_count_change);
    }
    if (watcher < 0 || PyDict_Watch(watcher, dict) < 0) {
        PyErr_Clear();
        return 0;
    }
    return 1;
}

static inline int64_t pysock_dict_version(PyObject *dict) {
    (void)dict;
    return pysock_dict_changes;
}

#else

static inline int pysock_watch_dict(PyObject *dict) {
    (void)dict;
    return 1;
}

static inline int64_t pysock_dict_version(PyObject *dict) {
    return (int64_t)((PyDictObject *)dict)->ma_version_tag;
}

#endif

#endif
