"""The control messages of a datagram as Python values: parse_ancillary, Ancillary."""

cimport cython

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.unicode cimport PyUnicode_DecodeASCII
from libc.string cimport memset

from ..._shared import PACKAGE

from ..core cimport traceback
from ..core.arguments cimport as_int
from ..core.type_name cimport name_as_public
from ..sys.ps_addr cimport PS_HOST_TEXT, ps_addr_host
from ..sys.ps_cmsg cimport ps_cmsg
from ..sys.ps_meta cimport (
    PS_META_DESTINATION, PS_META_DROPS, PS_META_SEGMENT, PS_META_TIMESTAMP, PS_META_TOS, ps_meta,
    ps_meta_add,
)


cdef object timestamp_of(const ps_meta *meta):
    return meta.timestamp if meta.has & PS_META_TIMESTAMP else None


cdef object destination_of(const ps_meta *meta):
    cdef char text[PS_HOST_TEXT]
    if not meta.has & PS_META_DESTINATION:
        return None
    return PyUnicode_DecodeASCII(text, <Py_ssize_t>ps_addr_host(&meta.destination, text), NULL)


cdef object interface_of(const ps_meta *meta):
    return meta.interface if meta.has & PS_META_DESTINATION else None


cdef object tos_of(const ps_meta *meta):
    return meta.tos if meta.has & PS_META_TOS else None


cdef object ecn_of(const ps_meta *meta):
    return meta.tos & 3 if meta.has & PS_META_TOS else None


cdef object segment_of(const ps_meta *meta):
    return meta.segment if meta.has & PS_META_SEGMENT else None


cdef object drops_of(const ps_meta *meta):
    return meta.drops if meta.has & PS_META_DROPS else None


cdef str format_attributes(const ps_meta *meta):
    """The attributes that are not None, as text for a repr."""
    attributes = {
        "timestamp_ns": timestamp_of(meta), "destination": destination_of(meta),
        "interface": interface_of(meta), "tos": tos_of(meta), "segment_size": segment_of(meta),
        "drops": drops_of(meta),
    }
    return ", ".join([f"{name}={value!r}" for name, value in attributes.items() if value is not None])


cdef class Ancillary:
    """The values of control messages, from `parse_ancillary`; None for what no message said."""
    cdef ps_meta meta

    @property
    def timestamp_ns(self):
        """When the kernel received it, in ns since 1970 (SO_TIMESTAMPNS, SO_TIMESTAMP)."""
        return timestamp_of(&self.meta)

    @property
    def destination(self):
        """The host it was sent to, as text (IP_PKTINFO, IPV6_RECVPKTINFO)."""
        return destination_of(&self.meta)

    @property
    def interface(self):
        """The index of the interface that it arrived on; see `if_indextoname()`."""
        return interface_of(&self.meta)

    @property
    def tos(self):
        """The type-of-service byte, or the traffic class (IP_RECVTOS, IPV6_RECVTCLASS)."""
        return tos_of(&self.meta)

    @property
    def ecn(self):
        """The two lowest bits of `tos` (RFC 3168): 0 not capable, 1 and 2 capable, 3 congestion."""
        return ecn_of(&self.meta)

    @property
    def segment_size(self):
        """Bytes of each datagram but the last, where the kernel joined several (UDP_GRO)."""
        return segment_of(&self.meta)

    @property
    def drops(self):
        """How many datagrams a full receive buffer had made the socket drop by then (SO_RXQ_OVFL)."""
        return drops_of(&self.meta)

    def __repr__(self):
        return f"<Ancillary {format_attributes(&self.meta)}>"


name_as_public(Ancillary, PACKAGE)


@cython.binding(False)
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
def parse_ancillary(ancdata, /):
    """parse_ancillary(ancdata) -> Ancillary

    The values of the control messages that `recvmsg` returns, as attributes: `timestamp_ns`,
    `destination`, `interface`, `tos`, `ecn`, `segment_size`, `drops`. Each is None where no message
    said it. *ancdata* is an iterable of (level, type, bytes-like object). Messages of other kinds are
    ignored, and so are those that are too short for their kind. Raises TypeError for any other form,
    and OverflowError and BufferError as `sendmsg` does.
    """
    cdef Py_buffer view
    cdef ps_cmsg item
    cdef Ancillary ancillary = Ancillary()
    cdef tuple message
    memset(&ancillary.meta, 0, sizeof(ancillary.meta))
    for entry in tuple(ancdata):
        message = tuple(entry)
        if len(message) != 3:
            raise TypeError("a control message must be (level, type, bytes-like object)")
        item.level = as_int(message[0])
        item.type = as_int(message[1])
        PyObject_GetBuffer(message[2], &view, PyBUF_SIMPLE)
        item.data = view.buf
        item.len = <size_t>view.len
        ps_meta_add(&ancillary.meta, &item)
        PyBuffer_Release(&view)
    return ancillary
