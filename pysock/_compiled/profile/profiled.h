/* The functions that stand in front of the C functions of a socket, and count their calls.
 *
 * A PyMethodDef has no place for data, so each kind of call needs a C function of its own, as in
 * core/counted.h. There are two for each, because an argument alone is passed in another way. */
#ifndef PYSOCK_PROFILED_H
#define PYSOCK_PROFILED_H

#include "../core/socket_object.h"
#include "ps_wait.h"
#include "sites.h"

#include <errno.h>
#include <sys/socket.h>

enum {
    PYSOCK_NO_WAIT = 3000, /* ns: what takes less has not waited; as NO_WAIT in gil_policy.pxd */
    PYSOCK_SELECT_NO_WAIT = 10000, /* ns: a `select` also looks up what is ready */
    PYSOCK_SLOW_NO_WAIT = 20000,   /* ns: a send may wake its receiver; accept makes a socket */
    PYSOCK_SMALL = 64,             /* bytes */
};

/* What a kind of call moves, and how the number of bytes is known. */
enum {
    PYSOCK_MOVES_NOTHING,
    PYSOCK_MOVES_RESULT,   /* the bytes that it returns, or their number */
    PYSOCK_MOVES_ARGUMENT, /* its first argument: the call sends all of it */
};

/* What else is known of a kind: or'ed together. */
enum {
    PYSOCK_ASKS_NUMBER = 1, /* the first argument is how much is wanted */
    PYSOCK_ASKS_BUFFER = 2, /* the first argument is where to put it */
    PYSOCK_HAS_PEER = 4,    /* the last argument is an address */
    PYSOCK_COMPOUND = 8,    /* made of other calls, which are not counted by themselves */
    PYSOCK_TRIES = 16,      /* tries before it waits, so it may avoid a poll() */
    PYSOCK_CONNECTS = 32,   /* may wait in connect(2) itself */
    PYSOCK_SELECTS = 64,    /* waits for several descriptors */
    PYSOCK_SLOW = 128,      /* takes long even where it does not wait */
};

typedef PyObject *(*pysock_fast_function)(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);

typedef struct {
    void (*function)(void); /* Cython's */
    int convention;         /* METH_O, or METH_FASTCALL | METH_KEYWORDS */
    int moves;
    int traits;
} pysock_kind;

typedef struct {
    uint64_t polls, waits, waited_ns; /* all that this thread has had */
    int compound;                     /* how many compound calls it is in */
    pysock_site *last;
} pysock_thread;

static pysock_kind pysock_kinds[PYSOCK_KINDS];
static _Thread_local pysock_thread pysock_this_thread;
static int64_t pysock_sample_costs; /* ns: of reading the CPU time twice */

static inline void pysock_note_wait(int64_t ns) {
    pysock_this_thread.waits++;
    pysock_this_thread.waited_ns += (uint64_t)ns;
}

/* A wait of retry.pyx has ended. moved is what the call moved, or -1 after a poll(). It has not
 * waited if it took no longer than the copy: a nanosecond for each byte. */
static inline void pysock_count_wait(int64_t started, int64_t ended, Py_ssize_t moved) {
    if (moved == -1)
        pysock_this_thread.polls++;
    if (started && ended - started > PYSOCK_NO_WAIT + (moved > 0 ? moved : 0))
        pysock_note_wait(ended - started);
}

static inline int64_t pysock_size_of(PyObject *data) {
    Py_buffer view;
    int64_t size = 0;
    if (PyBytes_CheckExact(data))
        return PyBytes_GET_SIZE(data);
    if (PyByteArray_CheckExact(data))
        return PyByteArray_GET_SIZE(data);
    if (PyMemoryView_Check(data))
        return PyMemoryView_GET_BUFFER(data)->len;
    if (PyList_CheckExact(data) || PyTuple_CheckExact(data)) { /* of buffers */
        for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(data); i++) {
            PyObject *item = PySequence_Fast_GET_ITEM(data, i);
            if (PyTuple_CheckExact(item) && PyTuple_GET_SIZE(item) > 0)
                item = PyTuple_GET_ITEM(item, 0); /* of sendmmsg: a buffer and its address */
            if (!PyList_Check(item) && !PyTuple_Check(item))
                size += pysock_size_of(item);
        }
        return size;
    }
    if (PyObject_CheckBuffer(data) && PyObject_GetBuffer(data, &view, PyBUF_SIMPLE) == 0) {
        size = view.len;
        PyBuffer_Release(&view);
    }
    PyErr_Clear();
    return size;
}

static inline int64_t pysock_size_in(PyObject *result) {
    int64_t size = 0;
    if (PyBytes_CheckExact(result))
        return PyBytes_GET_SIZE(result);
    if (PyLong_CheckExact(result)) {
        size = PyLong_AsSsize_t(result);
        if (size < 0)
            PyErr_Clear();
        return size < 0 ? 0 : size;
    }
    if (PyTuple_CheckExact(result)) /* (data or its size, address, ...) */
        return PyTuple_GET_SIZE(result) ? pysock_size_in(PyTuple_GET_ITEM(result, 0)) : 0;
    if (PyList_CheckExact(result)) /* of such tuples */
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(result); i++)
            size += pysock_size_in(PyList_GET_ITEM(result, i));
    return size;
}

static inline int64_t pysock_asked(int traits, PyObject *const *args, Py_ssize_t given) {
    int64_t asked = 0;
    if (given > 0 && traits & PYSOCK_ASKS_NUMBER) {
        if (PyLong_CheckExact(args[0]))
            asked = pysock_size_in(args[0]);
    } else if (given > 0 && traits & PYSOCK_ASKS_BUFFER) {
        if (given > 1 && PyLong_CheckExact(args[1]))
            asked = pysock_size_in(args[1]);
        if (asked == 0 && (PyByteArray_CheckExact(args[0]) || PyMemoryView_Check(args[0])))
            asked = pysock_size_of(args[0]);
    }
    return asked;
}

static inline int pysock_is_plain_peer(PyObject *peer) {
    return PyTuple_CheckExact(peer) && PyTuple_GET_SIZE(peer) == 2 &&
           PyUnicode_CheckExact(PyTuple_GET_ITEM(peer, 0)) &&
           PyLong_CheckExact(PyTuple_GET_ITEM(peer, 1));
}

/* Count a call to the peer of the call before. Only plain addresses are kept and compared, because
 * comparing and freeing them runs no code of the program. */
static inline void pysock_count_peer(pysock_site *site, PyObject *peer) {
    PyObject *last = pysock_pop_spare(&site->peer);
    int same = last == peer;
    if (!same && last && pysock_is_plain_peer(peer))
        same = PyUnicode_Compare(PyTuple_GET_ITEM(last, 0), PyTuple_GET_ITEM(peer, 0)) == 0 &&
               PyLong_AsLong(PyTuple_GET_ITEM(last, 1)) == PyLong_AsLong(PyTuple_GET_ITEM(peer, 1));
    if (PyErr_Occurred())
        PyErr_Clear(); /* a port that is no long: the call itself has raised for it */
    if (same) {
        site->to_peer += 1;
    } else if (pysock_is_plain_peer(peer)) {
        Py_XDECREF(last);
        Py_INCREF(peer);
        last = peer;
    }
    if (last && !pysock_push_spare(&site->peer, last))
        Py_DECREF(last);
}

__attribute__((noinline, cold)) static void pysock_count_exception(pysock_site *site) {
    if (PyErr_ExceptionMatches(PyExc_BlockingIOError))
        site->would_blocks += 1;
    else if (PyErr_ExceptionMatches(PyExc_TimeoutError))
        site->timeouts += 1;
    else
        site->errors += 1;
}

/* What connect_ex() returns is an errno. A connection that it has begun would have blocked. */
static void pysock_count_errno(pysock_site *site, PyObject *result) {
    int64_t number = PyLong_CheckExact(result) ? pysock_size_in(result) : 0;
    if (number == EINPROGRESS)
        site->would_blocks += 1;
    else if (number != 0)
        site->errors += 1;
}

static inline PyObject *pysock_call(const pysock_kind *kind, PyObject *self, PyObject *const *args,
                                    Py_ssize_t given, PyObject *names) {
    if (kind->convention == METH_O)
        return ((PyCFunction)kind->function)(self, args[0]);
    return ((pysock_fast_function)kind->function)(self, args, given, names);
}

/* For the kinds that wait elsewhere than in retry.pyx. */
__attribute__((noinline)) static PyObject *pysock_timed_call(const pysock_kind *kind,
                                                             PyObject *self, PyObject *const *args,
                                                             Py_ssize_t given, PyObject *names) {
    const pysock_thread *thread = &pysock_this_thread;
    const PysockSocketObject *sock = (PysockSocketObject *)self;
    int blocks = kind->traits & PYSOCK_CONNECTS && sock->sock_timeout < 0 &&
                 sock->sock_type == SOCK_STREAM && sock->sock_family != AF_UNIX;
    uint64_t waits = thread->waits;
    int64_t started = ps_clock();
    PyObject *result = pysock_call(kind, self, args, given, names);
    int64_t took = ps_clock() - started;
    if (thread->waits == waits &&
        (blocks || (kind->traits & PYSOCK_SELECTS && took > PYSOCK_SELECT_NO_WAIT)))
        pysock_note_wait(took);
    return result;
}

/* The family is one that pysock's own calls handle: they try before they wait. */
static inline int pysock_tries(const pysock_kind *kind, const PysockSocketObject *sock) {
    return kind->traits & PYSOCK_TRIES && sock->sock_timeout > 0 &&
           (sock->sock_family == AF_INET || sock->sock_family == AF_INET6 ||
            sock->sock_family == AF_UNIX);
}

/* Not inlined into each of its callers. The index comes last: the other arguments stay in place. */
__attribute__((noinline)) static PyObject *pysock_profiled(PyObject *self, PyObject *const *args,
                                                           Py_ssize_t given, PyObject *names,
                                                           int index) {
    const pysock_kind *kind = &pysock_kinds[index];
    pysock_thread *thread = &pysock_this_thread;
    PyObject *result;
    pysock_site *site;
    uint64_t polls = thread->polls, waits = thread->waits, waited_ns = thread->waited_ns, calls;
    int64_t asked, started = 0, moved = 0;
    int traits = kind->traits, tries;
    if (thread->compound)
        return pysock_call(kind, self, args, given, names);
    site = pysock_site_of_call(index);
    asked = pysock_asked(traits, args, given);
    tries = pysock_tries(kind, (PysockSocketObject *)self);
    if (traits & PYSOCK_HAS_PEER && given > 1)
        pysock_count_peer(site, args[given - 1]);
    calls = site->calls;
    if (calls < PYSOCK_FIRST || (calls & (PYSOCK_SAMPLE_EACH - 1)) == PYSOCK_SAMPLE_EACH / 2)
        started = ps_cpu_clock();
    thread->compound += traits & PYSOCK_COMPOUND;
    if (traits & (PYSOCK_CONNECTS | PYSOCK_SELECTS))
        result = pysock_timed_call(kind, self, args, given, names);
    else
        result = pysock_call(kind, self, args, given, names);
    thread->compound -= traits & PYSOCK_COMPOUND;
    if (started) {
        int64_t took = ps_cpu_clock() - started - pysock_sample_costs;
        uint64_t ns = took > 0 ? (uint64_t)took : 0;
        if (calls < PYSOCK_FIRST) {
            site->first_ns += ns;
        } else {
            site->sampled += 1;
            site->sampled_ns += ns;
        }
    }
    site->calls += 1;
    if (thread->last == site)
        site->in_row += 1;
    thread->last = site;
    if (thread->waits != waits &&
        (!(traits & PYSOCK_SLOW) || thread->waited_ns - waited_ns > PYSOCK_SLOW_NO_WAIT)) {
        site->waits += 1; /* of the call, however often it was woken */
        site->waited_ns += thread->waited_ns - waited_ns;
    }
    if (thread->polls != polls)
        site->polls += thread->polls - polls;
    if (!result) {
        pysock_count_exception(site);
        return NULL;
    }
    if (traits & PYSOCK_CONNECTS)
        pysock_count_errno(site, result);
    if (tries && thread->polls == polls)
        site->polls_avoided += 1;
    if (kind->moves == PYSOCK_MOVES_RESULT)
        moved = pysock_size_in(result);
    else if (kind->moves == PYSOCK_MOVES_ARGUMENT && given > 0)
        moved = pysock_size_of(args[0]);
    if (moved > 0) {
        site->bytes += (uint64_t)moved;
        site->small += (uint64_t)(moved <= PYSOCK_SMALL);
        if (asked > 0) {
            site->asked += (uint64_t)asked;
            site->filled += (uint64_t)(moved == asked);
        }
    }
    return result;
}

#define PYSOCK_PROFILED(i)                                                                         \
    static PyObject *pysock_profiled_##i(PyObject *self, PyObject *const *args, Py_ssize_t given,  \
                                         PyObject *names) {                                        \
        return pysock_profiled(self, args, given, names, i);                                       \
    }                                                                                              \
    static PyObject *pysock_profiled_one_##i(PyObject *self, PyObject *argument) {                 \
        return pysock_profiled(self, &argument, 1, NULL, i);                                       \
    }
PYSOCK_PROFILED(0)
PYSOCK_PROFILED(1)
PYSOCK_PROFILED(2)
PYSOCK_PROFILED(3)
PYSOCK_PROFILED(4)
PYSOCK_PROFILED(5)
PYSOCK_PROFILED(6)
PYSOCK_PROFILED(7)
PYSOCK_PROFILED(8)
PYSOCK_PROFILED(9)
PYSOCK_PROFILED(10)
PYSOCK_PROFILED(11)
PYSOCK_PROFILED(12)
PYSOCK_PROFILED(13)
PYSOCK_PROFILED(14)
PYSOCK_PROFILED(15)
PYSOCK_PROFILED(16)
PYSOCK_PROFILED(17)
PYSOCK_PROFILED(18)
PYSOCK_PROFILED(19)
PYSOCK_PROFILED(20)
PYSOCK_PROFILED(21)
PYSOCK_PROFILED(22)
PYSOCK_PROFILED(23)
PYSOCK_PROFILED(24)
PYSOCK_PROFILED(25)
PYSOCK_PROFILED(26)
PYSOCK_PROFILED(27)
PYSOCK_PROFILED(28)
PYSOCK_PROFILED(29)
PYSOCK_PROFILED(30)
PYSOCK_PROFILED(31)

#define PYSOCK_BOTH(i) {pysock_profiled_##i, pysock_profiled_one_##i}
typedef struct {
    pysock_fast_function many;
    PyCFunction one;
} pysock_pair;

static const pysock_pair pysock_profiled_functions[PYSOCK_KINDS] = {
    PYSOCK_BOTH(0),  PYSOCK_BOTH(1),  PYSOCK_BOTH(2),  PYSOCK_BOTH(3),  PYSOCK_BOTH(4),
    PYSOCK_BOTH(5),  PYSOCK_BOTH(6),  PYSOCK_BOTH(7),  PYSOCK_BOTH(8),  PYSOCK_BOTH(9),
    PYSOCK_BOTH(10), PYSOCK_BOTH(11), PYSOCK_BOTH(12), PYSOCK_BOTH(13), PYSOCK_BOTH(14),
    PYSOCK_BOTH(15), PYSOCK_BOTH(16), PYSOCK_BOTH(17), PYSOCK_BOTH(18), PYSOCK_BOTH(19),
    PYSOCK_BOTH(20), PYSOCK_BOTH(21), PYSOCK_BOTH(22), PYSOCK_BOTH(23), PYSOCK_BOTH(24),
    PYSOCK_BOTH(25), PYSOCK_BOTH(26), PYSOCK_BOTH(27), PYSOCK_BOTH(28), PYSOCK_BOTH(29),
    PYSOCK_BOTH(30), PYSOCK_BOTH(31),
};

#endif
