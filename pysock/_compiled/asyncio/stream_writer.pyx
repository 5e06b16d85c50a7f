"""What `asyncio.StreamWriter.drain` does, in C, where there is nothing to wait for.

asyncio makes two coroutines and asks the reader and the transport by two methods. Here the attributes
that these read are looked up. `drain` itself stays a coroutine function, in streams.py.
"""

import asyncio
import asyncio.streams

cimport cython

from cpython.dict cimport PyDict_Contains

from ..core.instance_dict cimport generic_dict
from ..core.threads cimport dict_get
from .original_methods cimport OriginalMethods
from .socket_transport cimport is_open
from .stream_reader cimport has_no_error

cdef object base = asyncio.StreamWriter
cdef object StreamReaderProtocol = asyncio.StreamReaderProtocol
cdef OriginalMethods methods = OriginalMethods(base, ("drain",))
cdef OriginalMethods protocol_methods = OriginalMethods(StreamReaderProtocol, ("_drain_helper",))


cdef object writer_class = None


def register_class(cls, /):
    """Make *cls* the class of the writers. Its `drain` calls this module."""
    global writer_class
    writer_class = cls
    methods.register_class(cls)


@cython.binding(False)
def has_original_methods():
    """Whether nobody has replaced the methods that C code goes round."""
    return methods.are_those_of(writer_class) and protocol_methods.are_those_of(StreamReaderProtocol)


cdef bint may_write(object protocol) except -1:
    """Whether *protocol*, of a transport that is open, is asyncio's own and not paused."""
    cdef dict attributes
    if type(protocol) is not StreamReaderProtocol or not protocol_methods.are_those_of(StreamReaderProtocol):
        return False
    attributes = generic_dict(protocol, NULL)
    return (not PyDict_Contains(attributes, "_drain_helper")
            and dict_get(attributes, "_paused") is False)


@cython.binding(False)
def start_drain(self):
    """None if there is nothing to wait for; otherwise asyncio's own coroutine `drain`, not yet awaited."""
    cdef dict attributes
    if methods.are_those_of(type(self)):
        attributes = generic_dict(self, NULL)
        if (has_no_error(dict_get(attributes, "_reader"))
                and is_open(dict_get(attributes, "_transport"))
                and may_write(dict_get(attributes, "_protocol"))):
            return None
    return base.drain(self)
