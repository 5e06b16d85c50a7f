"""The methods of EventLoop that run for each callback, in C.

A loop has the attributes of the standard library's. The ones that are read here are slots of the class
EventLoop. So C code reads them where they are, and Python code by their names.

The functions are builtin functions. `event_loop.py` has a Python function in front of each one, because
asyncio's methods are Python functions: tools copy them and rewrite their code.

Each function handles the usual case, and leaves any other to the standard library's method. `is_plain`
says what is usual: no debug mode, nobody who traces or monitors the thread, nothing overridden by a
subclass or in the instance, nothing replaced in asyncio.
"""

import asyncio
import asyncio.unix_events
import asyncio.base_events
import asyncio.events
import asyncio.futures
import collections
import sys
import time as time_module

from ..._shared import original

cimport cython

from cpython.dict cimport PyDict_Size
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.tuple cimport PyTuple_GET_ITEM
from libc.stdint cimport int64_t

from ..core cimport traceback
from ..core.member cimport get_member, member, member_is, member_of, set_member
from ..core.threads cimport dict_get
from ..core.tracing cimport is_traced
from ..selectors.epoll cimport select_now
from ..selectors.key cimport EVENT_READ, EVENT_WRITE, KEY_DATA
from ..sys.ps_wait cimport ps_clock
from .handle cimport (
    has_original_handles, is_cancelled, new_handle, new_timer, run, set_scheduled, when_of,
)
from .original_methods cimport OriginalMethods
from .timers cimport pop, push, remove_cancelled


cdef extern from "Python.h":
    dict generic_dict "PyObject_GenericGetDict"(object instance, void *unused)

cdef enum:
    MIN_SCHEDULED = 100             # timers, from which on the cancelled ones are removed
    LOOK_FOR_TOOLS = 50_000_000     # ns between two looks for a tool of sys.monitoring
    TOOLS = 6

cdef object base = asyncio.unix_events._UnixSelectorEventLoop
cdef object SelectorKey = original.SelectorKey
cdef double MIN_CANCELLED_FRACTION = asyncio.base_events._MIN_CANCELLED_TIMER_HANDLES_FRACTION
cdef double MAX_SELECT_TIMEOUT = asyncio.base_events.MAXIMUM_SELECT_TIMEOUT
cdef object deque = collections.deque
cdef object deque_append = collections.deque.append
cdef object deque_popleft = collections.deque.popleft
cdef object monotonic = time_module.monotonic
cdef dict time_names = vars(time_module)
cdef object Future = asyncio.futures.Future
cdef dict future_names = vars(asyncio.futures)
# Since Python 3.14 a handle that another thread may cancel is of a class with a lock.
cdef bint handles_have_locks = hasattr(asyncio.events, "_ThreadSafeHandle")
cdef object get_tool = getattr(getattr(sys, "monitoring", None), "get_tool", None)

# What C code goes round when it runs a turn, and when it schedules a callback.
cdef tuple METHODS = (
    "_accept_connection", "_add_callback", "_add_reader", "_add_writer", "_call_soon", "_check_closed",
    "_process_events", "_remove_reader", "_remove_writer", "_run_once", "call_at", "call_later",
    "call_soon", "create_future", "get_debug", "is_closed", "time", "_timer_handle_cancelled",
)
cdef OriginalMethods methods = OriginalMethods(base, METHODS)

cdef member *READY = NULL
cdef member *SCHEDULED = NULL
cdef member *CLOSED = NULL
cdef member *STOPPING = NULL
cdef member *DEBUG = NULL
cdef member *SELECTOR = NULL
cdef member *CANCELLED_COUNT = NULL
cdef member *CLOCK_RESOLUTION = NULL
cdef member *STATE = NULL
cdef object loop_class = None

cdef int flush_none(object transport) except -1:
    return 0


flush_transport = flush_none

SLOTS = (
    "_ready", "_scheduled", "_closed", "_stopping", "_debug", "_selector", "_timer_cancelled_count",
    "_clock_resolution", "_state",
)


def register_class(cls, /):
    """Make *cls* the class of the loops. It has SLOTS, and the functions of this module as methods."""
    global READY, SCHEDULED, CLOSED, STOPPING, DEBUG, SELECTOR, CANCELLED_COUNT, CLOCK_RESOLUTION
    global STATE, loop_class
    loop_class = cls
    READY, SCHEDULED = member_of(cls, "_ready"), member_of(cls, "_scheduled")
    CLOSED, STOPPING = member_of(cls, "_closed"), member_of(cls, "_stopping")
    DEBUG, SELECTOR = member_of(cls, "_debug"), member_of(cls, "_selector")
    CANCELLED_COUNT = member_of(cls, "_timer_cancelled_count")
    CLOCK_RESOLUTION = member_of(cls, "_clock_resolution")
    STATE = member_of(cls, "_state")
    methods.register_class(cls)


@cython.final
cdef class LoopState:
    """What C code keeps about a loop."""

    def __cinit__(self, bint coalesces_writes):
        self.attribute_count = -1
        self.monitored_at = 0
        self.coalesces_writes = coalesces_writes


cdef LoopState state_of(object loop):
    if not isinstance(loop, loop_class):
        raise TypeError(f"an EventLoop is required, not {type(loop).__name__!r}")
    return <LoopState?>get_member(loop, STATE)


cdef LoopState coalescing_state_of(object loop):
    """The state of a loop that runs a callback and coalesces what it writes; None of any other."""
    cdef LoopState state
    if type(loop) is not loop_class and not isinstance(loop, loop_class):
        return None
    state = <LoopState?>get_member(loop, STATE)
    return state if state.coalesces_writes and state.is_running else None


@cython.binding(False)
def flush_all(self):
    """Send what the callback that runs has written so far: the process is about to fork."""
    flush_transports(state_of(self))


cdef int flush_transports(LoopState state) except -1:
    """Send what the callback has written. An error is the transport's; an interrupt comes after the rest."""
    cdef object unflushed = state.unflushed
    cdef object interrupt = None
    state.unflushed = None
    if type(unflushed) is list:
        for transport in <list>unflushed:
            try:
                flush_transport(transport)
            except BaseException as error:
                interrupt = error
        if interrupt is not None:
            raise interrupt
    elif unflushed is not None:
        flush_transport(unflushed)
    return 0


cdef bint is_closed(object loop) except -1:
    return member_is(loop, CLOSED, True)


cdef int check_closed(object loop) except -1:
    """Raise the RuntimeError of a closed loop."""
    if not member_is(loop, CLOSED, False):
        loop._check_closed()
    return 0


cdef object selector_of(object loop):
    return get_member(loop, SELECTOR) if isinstance(loop, loop_class) else loop._selector


cdef bint overrides_nothing(object loop, LoopState state) except -1:
    """Whether the instance has none of the methods in its `__dict__`, which mostly stays the same."""
    cdef dict attributes = generic_dict(loop, NULL)
    if PyDict_Size(attributes) != state.attribute_count:
        for name in METHODS:
            if name in attributes:
                return False
        state.attribute_count = PyDict_Size(attributes)
    return True


cdef str reason_against(object loop):
    """Why C code may not go round the methods of *loop*, or of handles; None if it may."""
    cdef LoopState state
    if type(loop) is not loop_class and not isinstance(loop, loop_class):
        return "it is not an EventLoop"
    state = <LoopState?>get_member(loop, STATE)
    if not member_is(loop, DEBUG, False):
        return "the loop is in debug mode"
    if is_traced():
        return "the thread has a trace or a profile function"
    if state.is_monitored:
        return "a tool of sys.monitoring is registered"
    if not methods.are_those_of(type(loop)) or not overrides_nothing(loop, state):
        return "a method of the loop is overridden or patched"
    if not has_original_handles():
        return "asyncio's handles are patched, or not known"
    if type(get_member(loop, READY)) is not deque:
        return "the queue of callbacks is not a deque"
    return None


cdef bint is_plain(object loop) except -1:
    """Whether C code may go round the methods of *loop*, and of the handles."""
    return reason_against(loop) is None


@cython.binding(False)
def not_accelerated(self):
    return reason_against(self)


cdef int look_for_tools(LoopState state, int64_t now) except -1:
    """Find out whether a tool of `sys.monitoring` (PEP 669) has been registered."""
    cdef int tool
    if get_tool is not None and now - state.monitored_at > LOOK_FOR_TOOLS:
        state.monitored_at = now
        state.is_monitored = False
        for tool in range(TOOLS):
            if get_tool(tool) is not None:
                state.is_monitored = True
    return 0


cdef inline object seconds(int64_t clock):
    return <double>clock / 1e9


@cython.binding(False)
def time(self):
    if dict_get(time_names, "monotonic") is not monotonic:
        return base.time(self)
    return seconds(ps_clock())


cdef object append_handle(object loop, object callback, tuple arguments, object context):
    """`_call_soon` of a plain loop."""
    cdef object handle = new_handle(callback, arguments, loop, context)
    deque_append(get_member(loop, READY), handle)
    return handle


cdef object call_soon_plain(object loop, object callback, tuple arguments, object context):
    """`call_soon` of a plain loop."""
    check_closed(loop)
    return append_handle(loop, callback, arguments, context)


cdef object without_own_entry(object handle, int place=1):
    """Remove the function in front of asyncio's from the stack that a handle has in debug mode.

    *place* counts from the end: it is 2 where asyncio's own method is the last entry.
    """
    cdef object entries = handle._source_traceback
    if entries and len(entries) >= place:
        entries.pop(len(entries) - place)
    return handle


@cython.binding(False)
def call_soon(self, callback, args, context):
    if not is_plain(self):
        return without_own_entry(base.call_soon(self, callback, *args, context=context))
    return call_soon_plain(self, callback, args, context)


@cython.binding(False)
def _call_soon(self, callback, args, context):
    if not is_plain(self) or type(args) is not tuple:
        return without_own_entry(base._call_soon(self, callback, args, context))
    return append_handle(self, callback, args, context)


@cython.binding(False)
def call_soon_threadsafe(self, callback, args, context):
    if handles_have_locks or not is_plain(self):
        return without_own_entry(base.call_soon_threadsafe(self, callback, *args, context=context))
    handle = call_soon_plain(self, callback, args, context)
    self._write_to_self()
    return handle


cdef object schedule(object loop, object when, object callback, tuple arguments, object context):
    cdef object timer, scheduled
    check_closed(loop)
    timer = new_timer(when, callback, arguments, loop, context)
    scheduled = get_member(loop, SCHEDULED)
    push(scheduled, timer)
    set_scheduled(timer, True)
    return timer


@cython.binding(False)
def call_at(self, when, callback, args, context):
    if when is None or not is_plain(self) or type(get_member(self, SCHEDULED)) is not list:
        return without_own_entry(base.call_at(self, when, callback, *args, context=context))
    return schedule(self, when, callback, args, context)


@cython.binding(False)
def call_later(self, delay, callback, args, context):
    if delay is None or not is_plain(self) or type(get_member(self, SCHEDULED)) is not list:
        return without_own_entry(base.call_later(self, delay, callback, *args, context=context))
    return schedule(self, time(self) + delay, callback, args, context)


@cython.binding(False)
def create_future(self):
    if dict_get(future_names, "Future") is not Future:
        return base.create_future(self)
    return Future(loop=self)


cdef int remove_cancelled_timers(object loop) except -1:
    """Remove them from the head; from everywhere, where they are most of many timers."""
    cdef list scheduled = get_member(loop, SCHEDULED)
    cdef Py_ssize_t count = PyList_GET_SIZE(scheduled)
    if count > MIN_SCHEDULED and get_member(loop, CANCELLED_COUNT) / count > MIN_CANCELLED_FRACTION:
        set_member(loop, SCHEDULED, remove_cancelled(scheduled))
        set_member(loop, CANCELLED_COUNT, 0)
        return 0
    while PyList_GET_SIZE(scheduled) and is_cancelled(<object>PyList_GET_ITEM(scheduled, 0)):
        set_member(loop, CANCELLED_COUNT, get_member(loop, CANCELLED_COUNT) - 1)
        set_scheduled(pop(scheduled), False)
    return 0


cdef object timeout_of(object loop, list scheduled, object ready):
    """The seconds that a turn may wait; None without a limit."""
    if len(ready) or not member_is(loop, STOPPING, False):
        return 0
    if not PyList_GET_SIZE(scheduled):
        return None
    left = when_of(<object>PyList_GET_ITEM(scheduled, 0)) - time(loop)
    return min(max(0, left), MAX_SELECT_TIMEOUT)


cdef object wait_for_events(object loop, object timeout):
    """What `select` of the loop's selector returns. A look that finds something calls no Python code."""
    cdef object selector = get_member(loop, SELECTOR)
    cdef bint will_wait = timeout is None or timeout > 0
    cdef object events = select_now(selector, will_wait)
    if events is None or not events and will_wait:
        events = selector.select(timeout)
    return events


cdef int add_ready(object loop, object events, object ready) except -1:
    """`_process_events`: append the handles of *events* to the *ready* ones."""
    cdef object key, data, reader, writer
    cdef int mask
    for pair in events:
        key = pair[0]
        mask = pair[1]
        data = <object>PyTuple_GET_ITEM(key, KEY_DATA) if type(key) is SelectorKey else key.data
        reader, writer = data
        if mask & EVENT_READ and reader is not None:
            if is_cancelled(reader):
                loop._remove_reader(key.fileobj)
            else:
                deque_append(ready, reader)
        if mask & EVENT_WRITE and writer is not None:
            if is_cancelled(writer):
                loop._remove_writer(key.fileobj)
            else:
                deque_append(ready, writer)
    return 0


cdef int add_due_timers(object loop, list scheduled, object ready) except -1:
    cdef object end
    if not PyList_GET_SIZE(scheduled):
        return 0
    end = time(loop) + get_member(loop, CLOCK_RESOLUTION)
    while PyList_GET_SIZE(scheduled) and when_of(<object>PyList_GET_ITEM(scheduled, 0)) < end:
        timer = pop(scheduled)
        set_scheduled(timer, False)
        deque_append(ready, timer)
    return 0


cdef int run_ready(LoopState state, object ready) except -1:
    """Run the callbacks that are ready now. Those that they add are run in the next turn."""
    cdef Py_ssize_t left = len(ready)
    cdef object handle
    while left > 0:
        handle = deque_popleft(ready)
        if not is_cancelled(handle):
            run(handle)
            if state.unflushed is not None:
                flush_transports(state)
        left -= 1
    return 0


@cython.binding(False)
def run_once(self):
    cdef LoopState state = state_of(self)
    cdef object ready, events
    cdef int64_t start, woken, end
    cdef Py_ssize_t count
    start = ps_clock()
    look_for_tools(state, start)
    if not is_plain(self) or type(get_member(self, SCHEDULED)) is not list:
        base._run_once(self)
        return
    remove_cancelled_timers(self)
    ready = get_member(self, READY)
    events = wait_for_events(self, timeout_of(self, get_member(self, SCHEDULED), ready))
    woken = ps_clock()
    add_ready(self, events, ready)
    add_due_timers(self, get_member(self, SCHEDULED), ready)
    count = len(ready)
    state.is_running = True
    try:
        run_ready(state, ready)
    finally:
        state.is_running = False
        flush_transports(state)
        end = ps_clock()
        state.turns += 1
        state.callbacks += count
        state.waited += woken - start
        state.busy += end - woken
        state.longest_turn = max(state.longest_turn, end - woken)


@cython.binding(False)
def metrics(self):
    cdef LoopState state = state_of(self)
    return {
        "turns": state.turns,
        "callbacks": state.callbacks,
        "waited_ns": state.waited,
        "busy_ns": state.busy,
        "longest_turn_ns": state.longest_turn,
    }
