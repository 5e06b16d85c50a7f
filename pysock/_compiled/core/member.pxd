"""The slots of an object whose class has `__slots__`, read and written where they are (member.h)."""

cdef extern from "_compiled/core/member.h":
    ctypedef struct member "PyMemberDef":
        pass

    member *member_of "pysock_member_of"(object cls, object name) except NULL
    object get_member "pysock_get_member"(object instance, member *slot)
    bint member_is "pysock_member_is"(object instance, const member *slot, object value) noexcept
    int set_member "pysock_set_member"(object instance, member *slot, object value) except -1
    object new_instance "pysock_new_instance"(object cls)
    void init_member "pysock_init_member"(object instance, const member *slot, object value) noexcept
