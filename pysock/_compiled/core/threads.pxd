"""Variables that threads share, with a GIL and without. The reasons are in threads.h."""

from cpython.object cimport PyObject


cdef extern from "_compiled/core/threads.h":
    const bint HAS_GIL "PYSOCK_HAS_GIL"  # compiled for an interpreter with a GIL

    ctypedef int shared_int "pysock_shared_int"
    ctypedef unsigned char shared_byte "pysock_shared_byte"
    ctypedef long long shared_int64 "pysock_shared_int64"
    ctypedef unsigned long shared_long "pysock_shared_long"
    ctypedef size_t shared_size "pysock_shared_size"
    ctypedef void *shared_pointer "pysock_shared_pointer"

    int exchange "pysock_exchange"(shared_int *variable, int value) noexcept
    void *pop_spare "pysock_pop_spare"(shared_pointer *spare) noexcept
    bint push_spare "pysock_push_spare"(shared_pointer *spare, void *unused) noexcept

    ctypedef struct mutex "pysock_mutex":
        pass
    void lock_mutex "pysock_lock_mutex"(mutex *mutex) noexcept
    void unlock_mutex "pysock_unlock_mutex"(mutex *mutex) noexcept

    object dict_get "pysock_dict_get"(dict items, object key)
    object list_item "pysock_list_item"(list items, Py_ssize_t index)
    bint is_only_reference "pysock_is_only_reference"(PyObject *object) noexcept
