"""The values of a parsed ps_meta, as Python objects; None for what no control message said."""

from ..sys.ps_meta cimport ps_meta


cdef object timestamp_of(const ps_meta *meta)
cdef object destination_of(const ps_meta *meta)
cdef object interface_of(const ps_meta *meta)
cdef object tos_of(const ps_meta *meta)
cdef object ecn_of(const ps_meta *meta)
cdef object segment_of(const ps_meta *meta)
cdef object drops_of(const ps_meta *meta)
cdef str format_attributes(const ps_meta *meta)
