"""The methods of EventLoop that schedule callbacks, in C. turn.pyx runs them.

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
import asyncio.events
import asyncio.futures
import collections
import time as time_module

cimport cython

from cpython.dict cimport PyDict_Size
from libc.stdint cimport int64_t

from ..core cimport traceback
from ..core.instance_dict cimport generic_dict
from ..core.member cimport get_member, member, member_is, member_of, set_member
from ..core.module_names cimport ModuleNames
from ..core.tracing cimport is_traced
from ..selectors.selector import EpollSelector
from ..sys.ps_wait cimport ps_clock
from .handle cimport has_original_handles, new_handle, new_timer, set_scheduled
from .original_methods cimport OriginalMethods
from .timers cimport push

cdef object base = asyncio.unix_events._UnixSelectorEventLoop
cdef object deque = collections.deque
cdef object deque_append = collections.deque.append
cdef ModuleNames time_names = ModuleNames(time_module, "monotonic")
cdef object Future = asyncio.futures.Future
cdef ModuleNames future_names = ModuleNames(asyncio.futures, "Future")
# Since Python 3.14 a handle that another thread may cancel is of a class with a lock.
cdef bint handles_have_locks = hasattr(asyncio.events, "_ThreadSafeHandle")

# What C code goes round when it runs a turn, and when it schedules a callback.
cdef tuple METHODS = (
    "_accept_connection", "_accept_connection2", "_add_callback", "_add_reader", "_add_writer",
    "_call_soon", "_check_closed", "_ensure_fd_no_transport", "_make_datagram_transport",
    "_make_socket_transport", "_process_events", "_remove_reader", "_remove_writer", "_run_once",
    "_timer_handle_cancelled", "call_at", "call_later", "call_soon", "call_soon_threadsafe",
    "create_future", "get_debug", "is_closed", "remove_reader", "remove_writer", "time",
)
cdef OriginalMethods methods = OriginalMethods(base, METHODS)
# Those of them that a turn goes round, and those that scheduling a callback does: fewer to look at.
cdef OriginalMethods turn_methods = OriginalMethods(base, (
    "_add_callback", "_process_events", "_remove_reader", "_remove_writer", "_run_once", "get_debug", "time",
))
cdef OriginalMethods scheduling_methods = OriginalMethods(base, (
    "_call_soon", "_check_closed", "call_at", "call_later", "call_soon", "call_soon_threadsafe",
    "get_debug", "is_closed", "time",
))
cdef OriginalMethods selector_methods = OriginalMethods(
    EpollSelector, ("get_key", "get_map", "modify", "register", "select", "unregister"))

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

cdef enum:
    BUFFER_SIZE = 256 * 1024 + 16 * 1024  # what a transport receives at once, and a record of TLS


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
    turn_methods.register_class(cls)
    scheduling_methods.register_class(cls)


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


cdef bytearray buffer_of(LoopState state):
    """BUFFER_SIZE bytes of memory. The loop keeps them: to allocate so much costs page faults."""
    if state.buffer is None:
        state.buffer = bytearray(BUFFER_SIZE)
    return state.buffer


cdef bytearray take_buffer(LoopState state):
    """The buffer of the loop, which is to be put back: code that runs meanwhile gets another one."""
    cdef bytearray buffer = buffer_of(state)
    state.buffer = None
    return buffer


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


cdef bint is_debug(object loop) except -1:
    return not member_is(loop, DEBUG, False) if isinstance(loop, loop_class) else loop._debug


cdef int check_closed(object loop) except -1:
    """Raise the RuntimeError of a closed loop."""
    if not member_is(loop, CLOSED, False):
        loop._check_closed()
    return 0


cdef bint is_plain_selector(object selector) except -1:
    """Whether C code may go round the methods of *selector*. What its instance has is not looked at."""
    return selector_methods.are_those_of(type(selector))


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


cdef str reason_against(object loop, OriginalMethods used):
    """Why C code may not go round the methods *used* of *loop*, or those of handles; None if it may."""
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
    if not used.are_those_of(type(loop)) or not overrides_nothing(loop, state):
        return "a method of the loop is overridden or patched"
    if not has_original_handles():
        return "asyncio's handles are patched, or not known"
    if type(get_member(loop, READY)) is not deque:
        return "the queue of callbacks is not a deque"
    return None


cdef bint is_observed(object loop) except -1:
    """Whether *loop* is in debug mode, or monitored, or no EventLoop."""
    if type(loop) is not loop_class and not isinstance(loop, loop_class):
        return True
    return not member_is(loop, DEBUG, False) or (<LoopState?>get_member(loop, STATE)).is_monitored


cdef bint is_plain(object loop) except -1:
    """Whether C code may go round the methods of *loop*, and of the handles."""
    return reason_against(loop, methods) is None


cdef bint may_run_turn(object loop) except -1:
    return reason_against(loop, turn_methods) is None


cdef bint may_schedule(object loop) except -1:
    return reason_against(loop, scheduling_methods) is None


@cython.binding(False)
def has_original_methods(self):
    """Whether the methods that C code goes round are asyncio's own, or this package's."""
    return methods.are_those_of(type(self))


@cython.binding(False)
def not_accelerated(self):
    return reason_against(self, methods)


cdef inline object seconds(int64_t clock):
    return <double>clock / 1e9


cdef object now(object loop):
    """`time` of a plain loop."""
    if not time_names.are_original():
        return base.time(loop)
    return seconds(ps_clock())


@cython.binding(False)
def time(self):
    return now(self) if methods.are_those_of(type(self)) else base.time(self)


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
    if not may_schedule(self):
        return without_own_entry(base.call_soon(self, callback, *args, context=context))
    return call_soon_plain(self, callback, args, context)


@cython.binding(False)
def _call_soon(self, callback, args, context):
    if not may_schedule(self) or type(args) is not tuple:
        return without_own_entry(base._call_soon(self, callback, args, context))
    return append_handle(self, callback, args, context)


@cython.binding(False)
def call_soon_threadsafe(self, callback, args, context):
    if handles_have_locks or not may_schedule(self):
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
    if when is None or not may_schedule(self) or type(get_member(self, SCHEDULED)) is not list:
        return without_own_entry(base.call_at(self, when, callback, *args, context=context))
    return schedule(self, when, callback, args, context)


@cython.binding(False)
def call_later(self, delay, callback, args, context):
    if delay is None or not may_schedule(self) or type(get_member(self, SCHEDULED)) is not list:
        return without_own_entry(base.call_later(self, delay, callback, *args, context=context))
    return schedule(self, now(self) + delay, callback, args, context)


cdef object create_future_of(object loop):
    """`loop.create_future()`, without its Python function where nobody has replaced it."""
    if (isinstance(loop, loop_class) and methods.are_those_of(type(loop))
            and overrides_nothing(loop, <LoopState>get_member(loop, STATE))
            and future_names.are_original()):
        return Future(loop=loop)
    return loop.create_future()


@cython.binding(False)
def create_future(self):
    if not future_names.are_original() or not methods.are_those_of(type(self)):
        return base.create_future(self)
    return Future(loop=self)


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
