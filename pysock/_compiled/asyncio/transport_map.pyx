"""`loop._transports`: a loop's transports by their descriptors, a `weakref.WeakValueDictionary`.

Its methods are Python functions. C code makes the same entry, a `weakref.KeyedRef`, in the dict that it
keeps them in.
"""

import weakref

from ..core cimport traceback
from ..core.member cimport member, member_of, set_member
from ..core.module_names cimport ModuleNames
from ..core.threads cimport dict_get
from .original_methods cimport OriginalMethods

cdef object WeakValueDictionary = weakref.WeakValueDictionary
cdef object KeyedRef = weakref.KeyedRef
cdef object new_reference = weakref.ref.__new__
cdef ModuleNames names = ModuleNames(weakref, "KeyedRef")
cdef member *KEY = member_of(KeyedRef, "key")
cdef OriginalMethods map_methods = OriginalMethods(WeakValueDictionary, ("__getitem__", "__setitem__"))
cdef OriginalMethods reference_methods = OriginalMethods(KeyedRef, ("__init__", "__new__"))


cdef bint is_plain(object transports) except -1:
    """Whether C code may go round the methods of the map, and has no removal to make up for."""
    return (type(transports) is WeakValueDictionary
            and map_methods.are_those_of(WeakValueDictionary)
            and reference_methods.are_those_of(KeyedRef)
            and names.are_original()
            and not getattr(transports, "_pending_removals", None))


cdef int add_transport(object loop, object fd, object transport) except -1:
    """`loop._transports[fd] = transport`."""
    cdef object transports = loop._transports
    cdef object reference
    if is_plain(transports):
        reference = new_reference(KeyedRef, transport, transports._remove)
        set_member(reference, KEY, fd)
        (<dict?>transports.data)[fd] = reference
    else:
        transports[fd] = transport
    return 0


cdef bint has_no_transport(object loop, object fd) except -1:
    """Whether no transport was made for the descriptor, or it is gone: there is nothing to refuse."""
    cdef object transports = loop._transports
    return is_plain(transports) and dict_get(<dict?>transports.data, fd) is None
