"""A turn of EventLoop, in C: wait for events and timers, and run the callbacks that are ready."""

import asyncio
import asyncio.base_events
import asyncio.unix_events
import collections
import sys

from ..._shared import original

cimport cython

from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.tuple cimport PyTuple_GET_ITEM
from libc.stdint cimport int64_t

from ..core cimport traceback
from ..core.member cimport get_member, member_is, set_member
from ..selectors.epoll cimport select_now
from ..selectors.key cimport EVENT_READ, EVENT_WRITE, KEY_DATA
from ..sys.ps_wait cimport ps_clock
from . cimport loop as loop_module
from .handle cimport is_cancelled, run, set_scheduled, when_of
from .loop cimport LoopState, flush_transports, is_plain_selector, may_run_turn, now, state_of
from .timers cimport pop, remove_cancelled

cdef enum:
    MIN_SCHEDULED = 100             # timers, from which on the cancelled ones are removed
    LOOK_FOR_TOOLS = 50_000_000     # ns between two looks for a tool of sys.monitoring
    TOOLS = 6

cdef object base = asyncio.unix_events._UnixSelectorEventLoop
cdef object SelectorKey = original.SelectorKey
cdef double MIN_CANCELLED_FRACTION = asyncio.base_events._MIN_CANCELLED_TIMER_HANDLES_FRACTION
cdef double MAX_SELECT_TIMEOUT = asyncio.base_events.MAXIMUM_SELECT_TIMEOUT
cdef object deque_append = collections.deque.append
cdef object deque_popleft = collections.deque.popleft
cdef object get_tool = getattr(getattr(sys, "monitoring", None), "get_tool", None)


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


cdef int remove_cancelled_timers(object loop) except -1:
    """Remove them from the head; from everywhere, where they are most of many timers."""
    cdef list scheduled = get_member(loop, loop_module.SCHEDULED)
    cdef Py_ssize_t count = PyList_GET_SIZE(scheduled)
    if count > MIN_SCHEDULED and get_member(loop, loop_module.CANCELLED_COUNT) / count > MIN_CANCELLED_FRACTION:
        set_member(loop, loop_module.SCHEDULED, remove_cancelled(scheduled))
        set_member(loop, loop_module.CANCELLED_COUNT, 0)
        return 0
    while PyList_GET_SIZE(scheduled) and is_cancelled(<object>PyList_GET_ITEM(scheduled, 0)):
        set_member(loop, loop_module.CANCELLED_COUNT, get_member(loop, loop_module.CANCELLED_COUNT) - 1)
        set_scheduled(pop(scheduled), False)
    return 0


cdef object timeout_of(object loop, list scheduled, object ready):
    """The seconds that a turn may wait; None without a limit."""
    if len(ready) or not member_is(loop, loop_module.STOPPING, False):
        return 0
    if not PyList_GET_SIZE(scheduled):
        return None
    left = when_of(<object>PyList_GET_ITEM(scheduled, 0)) - now(loop)
    return min(max(0, left), MAX_SELECT_TIMEOUT)


cdef object wait_for_events(object loop, object timeout):
    """What `select` of the loop's selector returns. A look that finds something calls no Python code."""
    cdef object selector = get_member(loop, loop_module.SELECTOR)
    cdef bint will_wait = timeout is None or timeout > 0
    cdef object events = select_now(selector, will_wait) if is_plain_selector(selector) else None
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
    end = now(loop) + get_member(loop, loop_module.CLOCK_RESOLUTION)
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
    if not may_run_turn(self) or type(get_member(self, loop_module.SCHEDULED)) is not list:
        base._run_once(self)
        return
    remove_cancelled_timers(self)
    ready = get_member(self, loop_module.READY)
    events = wait_for_events(self, timeout_of(self, get_member(self, loop_module.SCHEDULED), ready))
    woken = ps_clock()
    add_ready(self, events, ready)
    add_due_timers(self, get_member(self, loop_module.SCHEDULED), ready)
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
