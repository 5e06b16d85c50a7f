from libc.stdint cimport int64_t, uint32_t

from .ps_addr cimport ps_sockaddr
from .ps_cmsg cimport ps_cmsg
from .ps_io cimport msghdr

cdef extern from "ps_meta.h" nogil:
    enum: PS_META_TIMESTAMP
    enum: PS_META_DESTINATION
    enum: PS_META_TOS
    enum: PS_META_DROPS
    enum: PS_META_SEGMENT

    ctypedef struct ps_meta:
        unsigned has
        uint32_t drops
        int64_t timestamp
        ps_sockaddr destination
        unsigned interface
        int tos
        uint32_t segment

    void ps_meta_add(ps_meta *meta, const ps_cmsg *item)
    void ps_meta_parse(ps_meta *meta, const msghdr *msg)
