"""The `_run` of asyncio's Handle, in C: an event loop calls one for each callback.

Without `_traceback.h`: the frame of `_run` is in a traceback here, as the standard library's is.
"""

from cpython.tuple cimport PyTuple_CheckExact


cdef extern from "Python.h":
    bint PyContext_CheckExact(object context)

cdef extern from "_asyncio_handle.h":
    Py_ssize_t offset_of "pysock_offset_of"(object slot) noexcept
    object at "pysock_at"(object handle, object slot, Py_ssize_t offset)
    object run_in "pysock_run_in"(object context, object callback, object arguments)


# asyncio's own, and where they have what `_run` needs. Once found it stays: a class keeps its layout.
cdef object handle_class = None
cdef object timer_class = None
cdef object thread_safe_class = None
cdef object run_in_python = None
cdef object callback_slot = None
cdef object arguments_slot = None
cdef object context_slot = None
cdef Py_ssize_t callback_offset = 0
cdef Py_ssize_t arguments_offset = 0
cdef Py_ssize_t context_offset = 0


def handle_run(events):
    """The `_run` for the Handle of *events*, which is `asyncio.events`, in the place of its own.

    None where that is another's, does something else, or is not there yet.
    """
    global handle_class, timer_class, thread_safe_class, run_in_python
    global callback_slot, arguments_slot, context_slot
    global callback_offset, arguments_offset, context_offset
    handle = getattr(events, "Handle", None)
    timer = getattr(events, "TimerHandle", None)  # the last of them to be defined
    if not isinstance(handle, type) or not isinstance(timer, type):
        return None
    names = vars(handle)
    run = names.get("_run")
    if (
        getattr(run, "__globals__", None) is not vars(events)
        or run.__code__.co_names[:4] != ("_context", "run", "_callback", "_args")
    ):
        return None
    slots = [names.get(name) for name in ("_callback", "_args", "_context")]
    offsets = [offset_of(slot) for slot in slots]
    if not all(offsets):
        return None
    handle_class, timer_class, run_in_python = handle, timer, run
    thread_safe_class = getattr(events, "_ThreadSafeHandle", None)
    callback_slot, arguments_slot, context_slot = slots
    callback_offset, arguments_offset, context_offset = offsets
    return _run


def _run(self):
    """Call the callback in its context; what it raises is told to the loop's exception handler."""
    cdef object cls = type(self)
    cdef object callback, arguments, context
    if cls is not handle_class and cls is not timer_class and cls is not thread_safe_class:
        return run_in_python(self)  # which may have these things elsewhere
    callback = at(self, callback_slot, callback_offset)
    arguments = at(self, arguments_slot, arguments_offset)
    context = at(self, context_slot, context_offset)
    if not PyContext_CheckExact(context) or not PyTuple_CheckExact(arguments):
        return run_in_python(self)
    try:
        run_in(context, callback, arguments)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        tell(self, error)


_run.__qualname__ = "Handle._run"


cdef int tell(object handle, object error) except -1:
    from asyncio import format_helpers

    describe = format_helpers._format_callback_source
    keywords = {}
    if describe.__code__.co_kwonlyargcount:  # since 3.13
        keywords["debug"] = handle._loop.get_debug()
    described = describe(handle._callback, handle._args, **keywords)
    context = {
        "message": f"Exception in callback {described}",
        "exception": error,
        "handle": handle,
    }
    if handle._source_traceback:
        context["source_traceback"] = handle._source_traceback
    handle._loop.call_exception_handler(context)
    return 0
