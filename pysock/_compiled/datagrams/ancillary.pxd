from ..sys.ps_meta cimport ps_meta


cdef object timestamp_of(const ps_meta *meta)
cdef object destination_of(const ps_meta *meta)
cdef object interface_of(const ps_meta *meta)
cdef object tos_of(const ps_meta *meta)
cdef object ecn_of(const ps_meta *meta)
cdef object segment_of(const ps_meta *meta)
cdef object drops_of(const ps_meta *meta)
cdef object show(const ps_meta *meta)
