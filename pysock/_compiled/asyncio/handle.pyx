"""The functions that asyncio's event loop calls for each callback, in C.

They are `Handle._run` and `BaseSelectorEventLoop._process_events`. This module does not include
`../core/traceback.h`, because the standard library's tracebacks have the frame of `_run`, too.
"""

cimport cython

from cpython.long cimport PyLong_CheckExact
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_CheckExact, PyTuple_GET_ITEM, PyTuple_GET_SIZE

from ..._shared import original
from ..selectors.epoll cimport EVENT_READ, EVENT_WRITE, KEY_DATA, KEY_SIZE


cdef extern from "Python.h":
    bint PyContext_CheckExact(object context)
    bint PyMethod_Check(object method)
    PyObject *PyMethod_GET_FUNCTION(object method)
    PyObject *PyMethod_GET_SELF(object method)

cdef extern from "_compiled/asyncio/handle.h":
    bint is_slot "pysock_is_slot"(object slot) noexcept
    object slot_value "pysock_slot_value"(object handle, object slot)
    object run_in "pysock_run_in"(object context, object callback, object arguments)


cdef object SelectorKey = original.SelectorKey

# asyncio's own objects. They are set once, as the layout of a class does not change.
cdef object events_module = None
cdef object handle_class = None
cdef object timer_class = None
cdef object thread_safe_class = None
cdef object run_in_python = None
cdef object process_in_python = None
cdef object add_in_python = None
cdef object callback_slot = None
cdef object arguments_slot = None
cdef object context_slot = None
cdef object cancelled_slot = None
cdef bint format_takes_debug = False  # since 3.13 arguments are shown in debug mode only


def loop_methods(modules):
    """The replacements of asyncio's functions: a list of (class, name, function).

    *modules* is `sys.modules`. The list is empty if asyncio is not imported, or if its functions
    were patched or have another implementation than this module expects.
    """
    global events_module, handle_class, timer_class, thread_safe_class
    global run_in_python, process_in_python, add_in_python
    global callback_slot, arguments_slot, context_slot, cancelled_slot, format_takes_debug
    try:
        events, base, selecting = [
            modules[f"asyncio.{name}"] for name in ("events", "base_events", "selector_events")
        ]
        handle, timer = events.Handle, events.TimerHandle
        loop, selecting_loop = base.BaseEventLoop, selecting.BaseSelectorEventLoop
    except (AttributeError, KeyError):
        return []
    run = original_function(events, handle, "_run", ("_context", "run", "_callback", "_args"))
    slots = [vars(handle).get(name) for name in ("_callback", "_args", "_context", "_cancelled")]
    if run is None or not all([is_slot(slot) for slot in slots]):
        return []
    events_module, handle_class, timer_class, run_in_python = events, handle, timer, run
    format_takes_debug = "get_debug" in run.__code__.co_names
    thread_safe_class = getattr(events, "_ThreadSafeHandle", None)
    callback_slot, arguments_slot, context_slot, cancelled_slot = slots
    replacements = [(handle, "_run", _run)]
    process = original_function(selecting, selecting_loop, "_process_events", (
        "fileobj", "data", "selectors", "EVENT_READ", "_cancelled",
        "_remove_reader", "_add_callback", "EVENT_WRITE", "_remove_writer",
    ))
    add = original_function(base, loop, "_add_callback", ("_cancelled", "_ready", "append"))
    if process is not None and add is not None:
        process_in_python, add_in_python = process, add
        replacements.append((selecting_loop, "_process_events", _process_events))
    return replacements


cdef object original_function(object module, object cls, str name, tuple first_names):
    """The Python function of *cls* if *module* defines it and it uses *first_names* first."""
    function = vars(cls).get(name)
    if getattr(function, "__globals__", None) is not vars(module):
        return None
    return function if function.__code__.co_names[:len(first_names)] == first_names else None


def _run(self):
    """Call the callback in its context. Its exception goes to the loop's exception handler."""
    cdef object cls = type(self)
    cdef object callback, arguments, context
    if cls is not handle_class and cls is not timer_class and cls is not thread_safe_class:
        return run_in_python(self)  # a subclass may have other attributes
    callback = slot_value(self, callback_slot)
    arguments = slot_value(self, arguments_slot)
    context = slot_value(self, context_slot)
    if not PyContext_CheckExact(context) or not PyTuple_CheckExact(arguments):
        return run_in_python(self)
    try:
        run_in(context, callback, arguments)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        report_exception(self, error)


_run.__qualname__ = "Handle._run"


cdef int report_exception(object handle, object error) except -1:
    keywords = {"debug": handle._loop.get_debug()} if format_takes_debug else {}
    source = events_module.format_helpers._format_callback_source(
        handle._callback, handle._args, **keywords
    )
    context = {
        "message": f"Exception in callback {source}",
        "exception": error,
        "handle": handle,
    }
    if handle._source_traceback:
        context["source_traceback"] = handle._source_traceback
    handle._loop.call_exception_handler(context)
    return 0


@cython.boundscheck(True)
def _process_events(self, event_list):
    """Schedule the callbacks of the ready file objects in *event_list*, from `select()`."""
    cdef list events
    cdef object event, append
    cdef Py_ssize_t i = 0
    if type(event_list) is not list or event_list and not uses_original_add_callback(self):
        return process_in_python(self, event_list)
    events = event_list
    append = self._ready.append if events else None
    while i < len(events):
        event = events[i]
        i += 1
        if not append_handles(event, append):
            process_in_python(self, [event])


_process_events.__qualname__ = "BaseSelectorEventLoop._process_events"


cdef bint uses_original_add_callback(object self) except -1:
    cdef object add = self._add_callback
    return (
        PyMethod_Check(add)
        and PyMethod_GET_FUNCTION(add) == <PyObject *>add_in_python
        and PyMethod_GET_SELF(add) == <PyObject *>self
    )


cdef bint append_handles(object event, object append) except -1:
    """Schedule the handles of *event*; False, and nothing is done, if it needs more than that."""
    cdef object key, mask, data, reader, writer
    cdef int events
    if not PyTuple_CheckExact(event) or PyTuple_GET_SIZE(event) != 2:
        return False
    key = <object>PyTuple_GET_ITEM(event, 0)
    mask = <object>PyTuple_GET_ITEM(event, 1)
    if (type(key) is not SelectorKey or PyTuple_GET_SIZE(key) != KEY_SIZE
            or not PyLong_CheckExact(mask)):
        return False
    data = <object>PyTuple_GET_ITEM(key, KEY_DATA)
    if not PyTuple_CheckExact(data) or PyTuple_GET_SIZE(data) != 2 or not 0 <= mask <= 3:
        return False
    events = mask
    reader = <object>PyTuple_GET_ITEM(data, 0) if events & EVENT_READ else None
    writer = <object>PyTuple_GET_ITEM(data, 1) if events & EVENT_WRITE else None
    if (reader is not None and not is_runnable(reader)
            or writer is not None and not is_runnable(writer)):
        return False
    if reader is not None:
        append(reader)
    if writer is not None:
        append(writer)
    return True


cdef bint is_runnable(object handle) except -1:
    return type(handle) is handle_class and slot_value(handle, cancelled_slot) is False
