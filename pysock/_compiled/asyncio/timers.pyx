"""The heap of timers, a list that has the order of `heapq`.

asyncio's timers are compared by `TimerHandle.__lt__`, a Python function. Where all times are floats
they are compared here, in the same order as `heapq` compares them, so the list is the same. Another
thing in the list, or another type of time, leaves the call to `heapq`.
"""

import heapq

cimport cython

from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE

from ..core cimport traceback
from ..core.threads cimport HAS_GIL
from .handle cimport is_cancelled, is_timer, set_scheduled, when_of


cdef extern from *:
    """
    /* Swap two entries of a list without touching their references. */
    static inline void pysock_list_swap(PyObject *list, Py_ssize_t i, Py_ssize_t j) {
        PyObject **items = ((PyListObject *)list)->ob_item;
        PyObject *item = items[i];
        items[i] = items[j];
        items[j] = item;
    }
    """
    void list_swap "pysock_list_swap"(list items, Py_ssize_t i, Py_ssize_t j) noexcept

cdef object heappush = heapq.heappush
cdef object heappop = heapq.heappop
cdef object heapify = heapq.heapify


cdef bint is_before(list heap, Py_ssize_t i, Py_ssize_t j) except -1:
    """Whether the timer at *i* is less than the one at *j*."""
    cdef object first = <object>PyList_GET_ITEM(heap, i)
    cdef object second = <object>PyList_GET_ITEM(heap, j)
    cdef Py_ssize_t size
    cdef bint found
    if is_timer(first) and is_timer(second):
        earlier = when_of(first)
        later = when_of(second)
        if type(earlier) is float and type(later) is float:
            return <double>earlier < <double>later
    size = PyList_GET_SIZE(heap)
    found = first < second
    if PyList_GET_SIZE(heap) != size:
        raise RuntimeError("list changed size during iteration")
    return found


cdef int sift_towards_root(list heap, Py_ssize_t at) except -1:
    cdef Py_ssize_t parent
    while at > 0:
        parent = (at - 1) >> 1
        if not is_before(heap, at, parent):
            break
        list_swap(heap, at, parent)
        at = parent
    return 0


cdef int sift_from_root(list heap) except -1:
    """Move the first timer down to a leaf, and from there to its place, as `heapq` does."""
    cdef Py_ssize_t at = 0
    cdef Py_ssize_t child = 1
    while child < PyList_GET_SIZE(heap):
        if child + 1 < PyList_GET_SIZE(heap) and not is_before(heap, child, child + 1):
            child += 1
        list_swap(heap, at, child)
        at = child
        child = 2 * at + 1
    return sift_towards_root(heap, at)


cdef int push(list heap, object timer) except -1:
    if not HAS_GIL:
        heappush(heap, timer)
        return 0
    heap.append(timer)
    return sift_towards_root(heap, PyList_GET_SIZE(heap) - 1)


cdef object pop(list heap):
    """Remove the first timer, which is there, and return it."""
    cdef object first
    if not HAS_GIL:
        return heappop(heap)
    list_swap(heap, 0, PyList_GET_SIZE(heap) - 1)
    first = heap.pop()
    sift_from_root(heap)
    return first


cdef object remove_cancelled(list heap):
    """Return a heap of the timers that are not cancelled. The others are not scheduled any more."""
    cdef list kept = []
    for timer in heap:
        if is_cancelled(timer):
            set_scheduled(timer, False)
        else:
            kept.append(timer)
    heapify(kept)
    return kept
