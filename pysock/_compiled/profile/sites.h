/* Where a program calls its sockets, and what is counted there.
 *
 * A site is one instruction of one code object that makes one kind of call. Sites are made when
 * they are first met, and are never freed, so a pointer to one stays valid. They are found by open
 * addressing, because a look-up is on the path of every call. A site owns its code object: its
 * address would be given to another one otherwise. */
#ifndef PYSOCK_PROFILE_SITES_H
#define PYSOCK_PROFILE_SITES_H

#include "../core/threads.h"

#include <frameobject.h>
#include <stdint.h>

/* Without a GIL `+=` of an atomic variable is one step, so no count is lost. */
typedef PYSOCK_SHARED uint64_t pysock_count;

typedef struct {
    PyCodeObject *code; /* NULL: no Python code, or no room for another site */
    int at;             /* the instruction, in bytes */
    int kind;
    int is_own; /* code of this package or of socket.py: the site is that of its caller */
    pysock_count calls, bytes, asked, waits, waited_ns, polls, polls_avoided;
    pysock_count would_blocks, timeouts, errors;
    pysock_count small;               /* moved 1 to 64 bytes */
    pysock_count filled;              /* moved as much as was asked for */
    pysock_count in_row;              /* the thread's call before came from this site, too */
    pysock_count to_peer;             /* to the address of the call before */
    pysock_count first_ns;            /* CPU time of the first calls, whose code is cold */
    pysock_count sampled, sampled_ns; /* of some of the others */
    pysock_shared_pointer peer;       /* the last address: a tuple of a str and an int, or NULL */
} pysock_site;

enum {
    PYSOCK_KINDS = 32,
    PYSOCK_SLOTS = 1 << 13, /* a power of two */
    PYSOCK_SITES = 1 << 12, /* a program that makes code all the time fills no more */
    /* Calls whose CPU time is read. That of every call would take longer to read than some take. */
    PYSOCK_FIRST = 4,
    PYSOCK_SAMPLE_EACH = 128, /* a power of two */
};

static pysock_shared_pointer pysock_slots[PYSOCK_SLOTS];
static int pysock_sites_used;
static pysock_mutex pysock_sites_mutex;
/* One for each kind, where there is no Python code or no room. */
static pysock_site pysock_other_sites[PYSOCK_KINDS];

/* Strings: the folder of this package, and a tuple of other files. */
static PyObject *pysock_own_folder, *pysock_own_files;

static inline int pysock_is_own(PyCodeObject *code) {
    PyObject *file = code->co_filename;
    if (PyUnicode_Tailmatch(file, pysock_own_folder, 0, PY_SSIZE_T_MAX, -1) == 1)
        return 1;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(pysock_own_files); i++)
        if (PyUnicode_Compare(file, PyTuple_GET_ITEM(pysock_own_files, i)) == 0)
            return 1;
    return 0;
}

static inline unsigned pysock_slot_of(const PyCodeObject *code, int at, int kind) {
    uint64_t mixed = ((uint64_t)(uintptr_t)code >> 4) + (uint64_t)(unsigned)at * 64;
    mixed = (mixed + (uint64_t)(unsigned)kind) * UINT64_C(0x9E3779B97F4A7C15);
    return (unsigned)(mixed >> 40) & (PYSOCK_SLOTS - 1);
}

/* The site, where it is at this slot or after it; otherwise NULL, and slot is the empty one. */
static inline pysock_site *pysock_find_site(PyCodeObject *code, int at, int kind, unsigned *slot) {
    pysock_site *site;
    while ((site = pysock_slots[*slot]) != NULL) {
        if (site->code == code && site->at == at && site->kind == kind)
            return site;
        *slot = (*slot + 1) & (PYSOCK_SLOTS - 1);
    }
    return NULL;
}

__attribute__((noinline, cold)) static pysock_site *pysock_new_site(PyCodeObject *code, int at,
                                                                    int kind, unsigned slot) {
    int is_own = pysock_is_own(code);
    pysock_site *site;
    pysock_lock_mutex(&pysock_sites_mutex);
    site = pysock_find_site(code, at, kind, &slot); /* another thread may have made it */
    if (!site && pysock_sites_used < PYSOCK_SITES &&
        (site = PyMem_RawCalloc(1, sizeof(pysock_site))) != NULL) {
        Py_INCREF(code);
        site->code = code;
        site->at = at;
        site->kind = kind;
        site->is_own = is_own;
        pysock_slots[slot] = site; /* last: others read it without the mutex */
        pysock_sites_used++;
    }
    pysock_unlock_mutex(&pysock_sites_mutex);
    return site ? site : &pysock_other_sites[kind];
}

static inline pysock_site *pysock_site_in(PyFrameObject *frame, int kind) {
    PyCodeObject *code = PyFrame_GetCode(frame);
#if PY_VERSION_HEX >= 0x030B0000
    int at = PyFrame_GetLasti(frame);
#else
    int at = frame->f_lasti * 2;
#endif
    unsigned slot = pysock_slot_of(code, at, kind);
    pysock_site *site = pysock_find_site(code, at, kind, &slot);
    if (!site)
        site = pysock_new_site(code, at, kind, slot);
    Py_DECREF(code);
    return site;
}

/* The site of the innermost frame whose code is neither this package's nor socket.py's. */
__attribute__((noinline)) static pysock_site *pysock_callers_site(PyFrameObject *frame, int kind) {
    pysock_site *site = &pysock_other_sites[kind];
    Py_INCREF(frame);
    while (frame) {
        PyFrameObject *back;
        pysock_site *found = pysock_site_in(frame, kind);
        if (!found->is_own) {
            site = found;
            Py_DECREF(frame);
            break;
        }
        back = PyFrame_GetBack(frame);
        Py_DECREF(frame);
        frame = back;
    }
    return site;
}

static inline pysock_site *pysock_site_of_call(int kind) {
    PyFrameObject *frame = PyEval_GetFrame();
    pysock_site *site;
    if (!frame)
        return &pysock_other_sites[kind];
    site = pysock_site_in(frame, kind);
    return site->is_own ? pysock_callers_site(frame, kind) : site;
}

static inline uint64_t pysock_cpu_ns_of(const pysock_site *site) {
    uint64_t calls = site->calls, sampled = site->sampled;
    if (calls <= PYSOCK_FIRST)
        return site->first_ns;
    if (!sampled)
        return site->first_ns / PYSOCK_FIRST * calls;
    return site->first_ns + (calls - PYSOCK_FIRST) * (site->sampled_ns / sampled);
}

static inline int pysock_line_of(const pysock_site *site) {
    return site->code ? PyCode_Addr2Line(site->code, site->at) : 0;
}

#endif
