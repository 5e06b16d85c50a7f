"""asyncio's handles, made and run.

A handle is an `asyncio.Handle` or an `asyncio.TimerHandle` as any other: libraries compare their
classes and read their fields. C code fills in the slots that `__init__` would, and calls the callback
in the handle's context as `_run` would.
"""

import asyncio.events
import asyncio.format_helpers
import os

from cpython.method cimport PyMethod_Check, PyMethod_GET_FUNCTION, PyMethod_GET_SELF
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_GET_SIZE

from ..core.member cimport get_member, init_member, member, member_is, member_of, new_instance, set_member
from ..core cimport traceback
from ..core.function_code cimport function_and_code, have_code
from ..core.module_names cimport ModuleNames
from ..core.tracing cimport is_traced
from .original_methods cimport OriginalMethods


cdef extern from "Python.h":
    object PyContext_CopyCurrent()

cdef extern from "_compiled/asyncio/callback.h":
    int call_in_context "pysock_call_in"(object context, object callback, object arguments)
    int call_c_in_context "pysock_call_c_in"(object context, c_callback function, object argument)
    object take_exception "pysock_take_exception"()
    void restore_exception "pysock_restore_exception"(object error)
    object call_handling "pysock_call_handling"(object error, object function, object argument)
    void traceback_add "_PyTraceback_Add"(const char *function, const char *file, int line)

cdef object Handle = asyncio.events.Handle
cdef object TimerHandle = asyncio.events.TimerHandle
cdef object format_callback_source = asyncio.format_helpers._format_callback_source
# Since Python 3.13 it shows arguments in debug mode alone.
cdef bint format_asks_debug = "debug" in format_callback_source.__code__.co_varnames

cdef member *CALLBACK = member_of(Handle, "_callback")
cdef member *ARGUMENTS = member_of(Handle, "_args")
cdef member *CANCELLED = member_of(Handle, "_cancelled")
cdef member *LOOP = member_of(Handle, "_loop")
cdef member *SOURCE_TRACEBACK = member_of(Handle, "_source_traceback")
cdef member *REPR = member_of(Handle, "_repr")
cdef member *CONTEXT = member_of(Handle, "_context")
cdef member *SCHEDULED = member_of(TimerHandle, "_scheduled")
cdef member *WHEN = member_of(TimerHandle, "_when")

cdef tuple SLOTS = (
    "_callback", "_args", "_cancelled", "_loop", "_source_traceback", "_repr", "__weakref__",
    "_context",
)
cdef OriginalMethods handle_methods = OriginalMethods(Handle, ("__init__", "_run", "cancel"))
cdef OriginalMethods timer_methods = OriginalMethods(TimerHandle, ("__init__", "_run", "__lt__"))

# An interpreter may have handles with more to fill in than is known here.
cdef bint is_known = (Handle.__slots__ == SLOTS and list(TimerHandle.__slots__) == ["_scheduled", "_when"]
                      and handle_methods.are_those_of(Handle))



class LoopOfNoHandle:
    """Stands in for a loop, and finds out the line in which `Handle._run` calls the callback."""

    def get_debug(self):
        return False

    def call_exception_handler(self, context):
        self.line = context["exception"].__traceback__.tb_lineno


cdef int find_line_of_call() except -1:
    loop = LoopOfNoHandle()
    Handle(int, ("no number",), loop)._run()
    return loop.line


cdef bytes events_file = os.fsencode(Handle._run.__code__.co_filename)
cdef int line_of_call = find_line_of_call() if is_known else 0

cdef ModuleNames names = ModuleNames(asyncio.events, "Handle", "TimerHandle")


cdef bint has_original_handles() except -1:
    """Whether handles are what is known here, and nobody has replaced how they are made and run."""
    return (is_known and handle_methods.are_those_of(Handle)
            and timer_methods.are_those_of(TimerHandle)
            and names.are_original())


cdef inline object filled_in(object handle_class, object callback, tuple arguments, object loop,
                             object context):
    cdef object handle = new_instance(handle_class)
    init_member(handle, CONTEXT, PyContext_CopyCurrent() if context is None else context)
    init_member(handle, LOOP, loop)
    init_member(handle, CALLBACK, callback)
    init_member(handle, ARGUMENTS, arguments)
    init_member(handle, CANCELLED, False)
    init_member(handle, REPR, None)
    init_member(handle, SOURCE_TRACEBACK, None)
    return handle


cdef object new_handle(object callback, tuple arguments, object loop, object context):
    """Make a `Handle` of a loop that is not in debug mode."""
    return filled_in(Handle, callback, arguments, loop, context)


cdef object new_timer(object when, object callback, tuple arguments, object loop, object context):
    """Make a `TimerHandle` of a loop that is not in debug mode. It is not scheduled yet."""
    cdef object timer = filled_in(TimerHandle, callback, arguments, loop, context)
    init_member(timer, WHEN, when)
    init_member(timer, SCHEDULED, False)
    return timer


cdef bint is_cancelled(object handle) except -1:
    if type(handle) is Handle or type(handle) is TimerHandle:
        return member_is(handle, CANCELLED, True)
    return handle._cancelled


cdef int cancel(object handle) except -1:
    """`handle.cancel()`, for a handle of a plain loop."""
    if type(handle) is not Handle:
        handle.cancel()
    elif not member_is(handle, CANCELLED, True):
        set_member(handle, CANCELLED, True)
        set_member(handle, CALLBACK, None)
        set_member(handle, ARGUMENTS, None)
    return 0


cdef bint is_timer(object handle) except -1:
    """Whether *handle* is a TimerHandle, and not of another class, so that its slots can be read."""
    return type(handle) is TimerHandle


cdef object when_of(object timer):
    return get_member(timer, WHEN) if type(timer) is TimerHandle else timer._when


cdef int set_scheduled(object timer, bint scheduled) except -1:
    if type(timer) is TimerHandle:
        return set_member(timer, SCHEDULED, scheduled)
    timer._scheduled = scheduled


cdef enum:
    MAX_DIRECT = 4

cdef struct direct_callback:
    function_and_code method  # its function
    c_callback callback       # what that calls

cdef direct_callback[MAX_DIRECT] direct_callbacks
cdef int direct_count = 0
cdef list direct_kept = []  # the references


cdef int add_direct_callback(object function, c_callback callback) except -1:
    """Call *callback* where a handle has a bound method of the Python function *function*.

    The function is one line that calls it. Handles that wait for a socket call it for each event.
    """
    global direct_count
    if direct_count == MAX_DIRECT:
        raise ImportError("more callbacks than there is room for")
    code = function.__code__
    direct_kept.append((function, code))
    direct_callbacks[direct_count].method.function = <PyObject *>function
    direct_callbacks[direct_count].method.code = <PyObject *>code
    direct_callbacks[direct_count].callback = callback
    direct_count += 1


cdef inline c_callback direct_callback_of(object callback, tuple arguments) noexcept:
    cdef PyObject *function
    cdef int i
    if PyMethod_Check(callback) and PyTuple_GET_SIZE(arguments) == 0 and not is_traced():
        function = PyMethod_GET_FUNCTION(callback)
        for i in range(direct_count):
            if (direct_callbacks[i].method.function == function
                    and have_code(&direct_callbacks[i].method, 1)):
                return direct_callbacks[i].callback
    return NULL


cdef int run(object handle) except -1:
    """Call the callback of *handle* in its context, as `Handle._run` does."""
    cdef object arguments, error, callback
    cdef c_callback direct
    cdef int outcome
    if type(handle) is not Handle and type(handle) is not TimerHandle:
        handle._run()
        return 0
    arguments = get_member(handle, ARGUMENTS)
    if type(arguments) is not tuple:
        arguments = tuple(arguments)
    callback = get_member(handle, CALLBACK)
    direct = direct_callback_of(callback, arguments)
    if direct != NULL:
        outcome = call_c_in_context(
            get_member(handle, CONTEXT), direct, <object>PyMethod_GET_SELF(callback))
    else:
        outcome = call_in_context(get_member(handle, CONTEXT), callback, arguments)
    if outcome < 0:
        # The entry of `Handle._run`, which is not there.
        traceback_add(b"_run", events_file, line_of_call)
        error = take_exception()
        if isinstance(error, (SystemExit, KeyboardInterrupt)):
            restore_exception(error)
            return -1
        report(handle, error)
    return 0


cdef int report(object handle, object error) except -1:
    """Tell the loop's exception handler, with the message and the keys of `Handle._run`."""
    cdef object loop = get_member(handle, LOOP)
    if format_asks_debug:
        source = format_callback_source(handle._callback, handle._args, debug=loop.get_debug())
    else:
        source = format_callback_source(handle._callback, handle._args)
    context = {"message": f"Exception in callback {source}", "exception": error, "handle": handle}
    if handle._source_traceback:
        context["source_traceback"] = handle._source_traceback
    call_handling(error, loop.call_exception_handler, context)
    return 0
