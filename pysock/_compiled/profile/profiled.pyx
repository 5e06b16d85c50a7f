# cython: binding=False
"""The counters of a profile, for Python: which functions count, and what was counted.

The counting itself is in profiled.h, and the sites are in sites.h.
"""

import _socket

from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_INCREF
from libc.stdint cimport int64_t, uint64_t

from ..core cimport retry
from ..core.gil_policy cimport learn_from_release
from ..core.method_descriptor cimport (
    METH_FASTCALL, METH_KEYWORDS, METH_O, PyCFunction, PyCFunction_NewEx, PyDescr_NewMethod,
    PyMethodDef, definition_of, permanent_copy,
)
from ..core.socket_object cimport socket
from ..core.threads cimport shared_pointer
from ..sys.ps_io cimport ps_io, ps_transfer
from ..sys.ps_wait cimport ps_clock, ps_cpu_clock


cdef extern from "_compiled/profile/profiled.h":
    ctypedef struct pysock_site:
        PyObject *code
        int at, kind, is_own
        uint64_t calls, bytes, asked, waits, waited_ns, polls, polls_avoided
        uint64_t would_blocks, timeouts, errors
        uint64_t small, filled, in_row, to_peer

    ctypedef struct pysock_kind:
        void (*function)() noexcept
        int convention, moves, traits

    ctypedef struct pysock_pair:
        void *many
        void *one

    enum:
        PYSOCK_KINDS
        PYSOCK_SLOTS
        PYSOCK_MOVES_RESULT
        PYSOCK_MOVES_ARGUMENT
        PYSOCK_ASKS_NUMBER
        PYSOCK_ASKS_BUFFER
        PYSOCK_HAS_PEER
        PYSOCK_COMPOUND
        PYSOCK_TRIES
        PYSOCK_CONNECTS
        PYSOCK_SELECTS
        PYSOCK_SLOW

    PyObject *pysock_own_folder
    PyObject *pysock_own_files
    shared_pointer *pysock_slots
    pysock_site *pysock_other_sites
    pysock_kind *pysock_kinds
    const pysock_pair *pysock_profiled_functions
    int64_t pysock_sample_costs
    int pysock_line_of(const pysock_site *site)
    uint64_t pysock_cpu_ns_of(const pysock_site *site)
    void pysock_count_wait(int64_t started, int64_t ended, ssize_t moved) noexcept

cdef list names = []  # of the kinds

cdef dict moves = {"result": PYSOCK_MOVES_RESULT, "argument": PYSOCK_MOVES_ARGUMENT}
cdef dict traits = {
    "number": PYSOCK_ASKS_NUMBER,
    "buffer": PYSOCK_ASKS_BUFFER,
    "peer": PYSOCK_HAS_PEER,
    "compound": PYSOCK_COMPOUND,
    "tries": PYSOCK_TRIES,
    "connects": PYSOCK_CONNECTS,
    "selects": PYSOCK_SELECTS,
    "accepts": PYSOCK_SLOW,
    "writes": PYSOCK_SLOW,
}


cdef int count_release(int64_t started, int64_t wanted, ssize_t moved) except -1:
    """In the place of `learn` of retry.pyx: count the wait as well."""
    pysock_count_wait(started, wanted, moved)
    return learn_from_release(wanted)


cdef retry.rest_sender send_the_rest = NULL


cdef ssize_t count_rest(socket sock, ps_transfer operation, ps_io *io, ssize_t sent) except -1:
    """In the place of `send_the_rest`, which a blocking send waits in after a part was sent."""
    cdef int64_t started = ps_clock()
    cdef ssize_t n = send_the_rest(sock, operation, io, sent)
    pysock_count_wait(started, ps_clock(), n)
    return n


cdef PyMethodDef *profiled_definition(str name, object thing, list words) except NULL:
    """A copy of the definition of *thing* whose C function counts, as a new kind of call."""
    cdef PyMethodDef *known = definition_of(thing)
    cdef PyMethodDef definition
    cdef int index = <int>len(names)
    cdef pysock_kind *kind = &pysock_kinds[index]
    if index == PYSOCK_KINDS or known == NULL:
        raise TypeError(f"{name} cannot be profiled")
    definition = known[0]
    if definition.ml_flags not in (METH_O, METH_FASTCALL | METH_KEYWORDS):
        raise TypeError(f"{name} is called in a way that cannot be profiled")
    kind.function = <void (*)() noexcept>definition.ml_meth
    kind.convention = definition.ml_flags
    for word in words:
        kind.moves |= <int>moves.get(word, 0)
        kind.traits |= <int>traits.get(word, 0)
    if definition.ml_flags == METH_O:
        definition.ml_meth = <PyCFunction>pysock_profiled_functions[index].one
    else:
        definition.ml_meth = <PyCFunction>pysock_profiled_functions[index].many
    names.append(name)
    Py_INCREF(thing)  # the texts of its definition are used for ever
    return <PyMethodDef *>permanent_copy(&definition, sizeof(definition))


def method_descriptor(str name, method, list words, /):
    """A method descriptor like *method*, whose calls are counted under this *name*."""
    return PyDescr_NewMethod(
        <PyTypeObject *>_socket.socket, profiled_definition(name, method, words))


def builtin_function(str name, function, list words, /):
    """The same for a builtin function."""
    return PyCFunction_NewEx(
        profiled_definition(name, function, words), function.__self__, function.__module__)


def start(str folder, tuple files, /):
    """Count waits from now on. Code in *folder* or in one of the *files* is not a site."""
    global pysock_own_folder, pysock_own_files, pysock_sample_costs, send_the_rest
    cdef int64_t started, took
    cdef int i
    if names:
        raise RuntimeError("a profile was started before")
    Py_INCREF(folder)
    Py_INCREF(files)
    pysock_own_folder, pysock_own_files = <PyObject *>folder, <PyObject *>files
    pysock_sample_costs = 1_000_000
    for i in range(100):
        started = ps_cpu_clock()
        took = ps_cpu_clock() - started
        pysock_sample_costs = min(pysock_sample_costs, took)
    send_the_rest = retry.rest
    retry.rest = count_rest
    retry.after_release = count_release


cdef dict counted(const pysock_site *site):
    cdef object code = <object>site.code if site.code != NULL else None
    return {
        "call": names[site.kind],
        "file": code.co_filename if code else "",
        "line": pysock_line_of(site),
        "calls": site.calls,
        "bytes": site.bytes,
        "waits": site.waits,
        "waited_ns": site.waited_ns,
        "would_blocks": site.would_blocks,
        "timeouts": site.timeouts,
        "errors": site.errors,
        "polls": site.polls,
        "polls_avoided": site.polls_avoided,
        "asked": site.asked,
        "small": site.small,
        "filled": site.filled,
        "in_row": site.in_row,
        "to_peer": site.to_peer,
        "cpu_ns": pysock_cpu_ns_of(site),
    }


def sites():
    """What was counted: a dict for each site that has made a call."""
    cdef list found = []
    cdef pysock_site *site
    cdef int i
    for i in range(PYSOCK_SLOTS):
        site = <pysock_site *>pysock_slots[i]
        if site != NULL and site.calls:
            found.append(counted(site))
    for i in range(<int>len(names)):
        if pysock_other_sites[i].calls:
            pysock_other_sites[i].kind = i
            found.append(counted(&pysock_other_sites[i]))
    return found
