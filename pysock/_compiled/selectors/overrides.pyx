"""Whether a selector has something overridden or patched that the C code does not look up.

The standard library's methods look up `_fileobj_lookup`, `_EVENT_READ` and others each time they
are called. A subclass, one instance or a patch may have replaced them. Then the standard library's
method is called. The interpreter gives a class a new version when an attribute of it or of a base
class changes. So the attributes of a class are looked through once for each version.
"""

import selectors
from types import FunctionType

from cpython.dict cimport PyDict_Contains, PyDict_Size
from cpython.object cimport PyObject

from ..._shared import original
from ..core cimport traceback
from ..core.class_version cimport version_of
from ..core.function_code cimport function_and_code, have_code
from .epoll_object cimport epoll
from ..core.instance_dict cimport generic_dict
from ..core.module_names cimport ModuleNames
from ..core.threads cimport shared_long

cdef enum:
    VERSIONS = 8

# The versions of classes that were looked through, each at the index `version % VERSIONS`.
cdef shared_long[VERSIONS] original_versions
cdef shared_long[VERSIONS] overriding_versions

# What the standard library's methods look up.
cdef tuple SELF = (
    "_EVENT_READ", "_EVENT_WRITE", "_fd_to_key", "_fileobj_lookup", "_key_from_fd", "_selector",
    "_selector_cls", "__getattribute__",
)
cdef tuple SUPER = ("register", "unregister")
cdef dict module_names = vars(selectors)
cdef object fileobj_to_fd = module_names.get("_fileobj_to_fd")
cdef ModuleNames looked_up = ModuleNames(selectors, "SelectorKey", "_fileobj_to_fd")

cdef tuple bases = original.EpollSelector.__mro__
cdef object MISSING = object()


cdef list found_in_bases():
    """A list of (namespace of the class, name, value or MISSING)."""
    found = []
    for base in bases:
        for name in (*SELF, *SUPER, "modify", "select"):
            if base is not object:
                found.append((vars(base), name, vars(base).get(name, MISSING)))
    return found


cdef list known = found_in_bases()


cdef bint is_of_module(object value) except -1:
    """Whether the module `selectors` has made it; True for a number, None and `select.epoll`."""
    if type(value) is FunctionType:
        return value.__globals__ is module_names
    return value is MISSING or value is None or value is epoll or type(value) is int


cdef bint patched_before = not all(
    [is_of_module(value) for value in (fileobj_to_fd, *[value for _, _, value in known])])


cdef enum:
    MAX_FUNCTIONS = 32

# In C, because they are looked through at each call. Those that `select` runs are the first ones.
cdef function_and_code[MAX_FUNCTIONS] functions
cdef int function_count = 0
cdef int select_count = 0
cdef list functions_kept = []  # the references


cdef int keep_functions(bint of_select) except -1:
    """Append those that `select` runs, or all others."""
    global function_count
    for _, name, value in known:
        if type(value) is FunctionType and (name in ("select", "_key_from_fd")) == of_select:
            if function_count == MAX_FUNCTIONS:
                raise ImportError("selectors has more methods than there is room for")
            functions_kept.append((value, value.__code__))
            functions[function_count].function = <PyObject *>value
            functions[function_count].code = <PyObject *>value.__code__
            function_count += 1
    return 0


keep_functions(True)
select_count = function_count
keep_functions(False)


def is_unpatched():
    """Whether the methods of the standard library's selectors are its own."""
    if patched_before:
        return False
    for names, name, value in known:
        if names.get(name, MISSING) is not value:
            return False
    return True


def has_original_code():
    """Whether nobody has replaced the code of any function."""
    return have_code(functions, function_count)


cdef bint overrides_nothing(object cls) except -1:
    cdef bint is_behind = False  # whether a class of the standard library stands before
    for each in cls.__mro__:
        if each in bases:
            is_behind = True
            continue
        names = vars(each)
        for name in (SELF + SUPER if is_behind else SELF):
            if name in names:
                return False
    return original.EpollSelector in cls.__mro__ and is_unpatched()


cdef bint is_original(object cls) except -1:
    """Whether the class has the attributes of the standard library, and those alone."""
    cdef unsigned long version = version_of(cls)
    cdef bint found
    if version != 0:
        if original_versions[version % VERSIONS] == version:
            return True
        if overriding_versions[version % VERSIONS] == version:
            return False
    getattr(cls, "select", None)  # the interpreter gives the class a version when it looks up
    version = version_of(cls)
    found = overrides_nothing(cls)
    if version != 0 and version_of(cls) == version:
        if found:
            original_versions[version % VERSIONS] = version
        else:
            overriding_versions[version % VERSIONS] = version
    return found


cdef dict attributes_of(object selector):
    """The `__dict__` of a selector; None if its class overrides something, or code was replaced."""
    if is_original(type(selector)) and have_code(functions, function_count):
        return generic_dict(selector, NULL)
    return None


cdef dict attributes_to_select(object selector):
    """The same where only code that `select` runs counts."""
    if is_original(type(selector)) and have_code(functions, select_count):
        return generic_dict(selector, NULL)
    return None


cdef bint overrides_lookup(dict attributes) except -1:
    """Whether an instance, or the module `selectors`, has what registering looks up replaced."""
    if PyDict_Size(attributes) != 3 or not PyDict_Contains(attributes, "_map"):
        # More than `_fd_to_key`, `_map` and `_selector`, without which C does nothing.
        for name in SELF:
            if name not in ("_fd_to_key", "_selector") and name in attributes:
                return True
    return not looked_up.are_original()
