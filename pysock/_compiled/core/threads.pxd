"""What threads share, on an interpreter with a GIL and on one without. The reasons are in the header."""

from cpython.object cimport PyObject


cdef extern from "_compiled/core/threads.h":
    const bint HAS_GIL "PYSOCK_HAS_GIL"  # compiled for an interpreter that has one

    ctypedef int shared_int "pysock_shared_int"
    ctypedef unsigned char shared_byte "pysock_shared_byte"
    ctypedef unsigned long shared_long "pysock_shared_long"
    ctypedef size_t shared_size "pysock_shared_size"
    ctypedef void *shared_pointer "pysock_shared_pointer"

    int exchange "pysock_exchange"(shared_int *place, int value) noexcept
    void *pop_spare "pysock_pop"(shared_pointer *place) noexcept
    bint push_spare "pysock_push"(shared_pointer *place, void *thing) noexcept

    ctypedef struct lock "pysock_lock":
        pass
    void acquire "pysock_acquire"(lock *lock) noexcept
    void release "pysock_release"(lock *lock) noexcept

    object get "pysock_get"(dict items, object key)
    object item "pysock_item"(list items, Py_ssize_t place)
    bint is_only_reference "pysock_is_only_reference"(PyObject *object) noexcept
