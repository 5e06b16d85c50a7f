"""When a transfer is tried with the GIL held, and when this thread gives the others their turn.

A thread that computes gets the GIL each time another thread releases it, and keeps it for the switch
interval, 5 ms. A system call that can finish at once takes some microseconds. So a small transfer is
tried with the GIL held, and MSG_DONTWAIT makes sure that it does not wait. Only a call that cannot
finish releases the GIL and waits.

Three things make a try wrong:

* Other threads want the GIL, and each for a short time only. How long it takes to get the GIL back
  after a release tells. Beside a thread that computes it takes the switch interval. Beside threads
  that soon wait themselves it takes some microseconds. Where nobody wants the GIL it takes no time.
  So each release measures it. In the second case the GIL is released for every system call, as the
  standard library does, until CONTENDED_CALLS releases have met no contention.

* A thread whose calls always find data never releases the GIL, so it would never learn that. The
  others would wait for the switch interval each time. So it gives them their turn: after it has held
  the GIL for TURN, it releases it once, and leaves the processor for WAKE_UP. In that time a thread
  that waits for the GIL wakes up and takes it. If nobody does, the next turn is twice as long, up to
  MAX_TURN: the releases cost WAKE_UP / MAX_TURN of the time, 2.5 %. Beside a thread that computes,
  the release takes the switch interval. The next turn is then COMPUTING_TURNS times as long, and
  twice as long each further time, up to MAX_COMPUTING_TURN: soon the releases cost 2 % of the time.
  The first time it may have been a thread that the kernel has interrupted. A program with one thread releases the GIL at
  each turn, and waits for nobody. The clock is read for one call in HOLDS_BETWEEN_CLOCKS, because it
  costs as much as a twentieth of a call.

* The try finds nothing. A receive that has found nothing twice, one time after the other, is not
  tried a third time: the call waits at once. The next one is tried again if that wait finds its data
  there. The counts are kept by descriptor. A descriptor that is given to another socket brings its
  count along, which costs one try at most.

A socket with SO_RCVLOWAT set is never tried, since MSG_DONTWAIT returns what is there, however
little. Its place among the counts says LOW_WATER. It is set where the option is set, or where a
socket is made from a descriptor that may have it already.

`select` of an EpollSelector follows the same policy: it looks for events with the GIL held, gives the
others their turn, and learns from its waits.

A free-threaded interpreter has no GIL to contend for, and nothing is measured. A thread in a try is
attached to the interpreter then, and holds up nothing but a garbage collection. To wait it detaches,
in the same places.
"""

from _thread import _count as count_threads
from sys import getswitchinterval

cimport cython

from libc.stdint cimport int64_t

from ..sys.ps_wait cimport ps_clock, ps_yield_until
from .threads cimport HAS_GIL, shared_int, shared_int64, shared_size

cdef enum:
    TURN = 1_000_000          # ns that a thread may hold the GIL for its calls
    MAX_TURN = 2_000_000      # where nobody wanted it the last times
    WAKE_UP = 50_000          # ns that a thread needs to wake up and take the GIL
    COMPUTING_TURNS = 10      # times the release took, where a thread computes
    MAX_COMPUTING_TURN = 250_000_000  # where it computed the last times, too
    REGAINED_AT_ONCE = 2_000  # ns: nobody else wanted the GIL
    CONTENDED_CALLS = 1_000   # waits without contention that make up for one with it

cdef shared_size gil_hold = 16384
cdef shared_int contention = 0
cdef shared_int holds = 0
cdef shared_int64 released_at = 0  # ns: the GIL was last released then
cdef shared_int64 turn = TURN      # ns until the next release
cdef object get_switch_interval = getswitchinterval


cdef int learn_from_release(int64_t wanted) except -1:
    """Learn from a release of the GIL. *wanted* is the ps_clock() at which it was wanted back."""
    global contention, holds, released_at, turn
    cdef int64_t now, took
    if not HAS_GIL:
        return 0
    now = ps_clock()
    took = now - wanted
    holds = 0
    released_at = now
    # Without other threads the time was another process's.
    if took <= REGAINED_AT_ONCE or count_threads() == 0:
        if contention > 0:
            contention -= 1
    elif took < 1e9 * <double>get_switch_interval():
        contention = CONTENDED_CALLS
        turn = TURN
    else:
        contention = 0  # a thread computes: a release costs too much
        turn = min(max(took * COMPUTING_TURNS, 2 * turn), MAX_COMPUTING_TURN)
    return 0


cdef void give_turn() noexcept:
    """Release the GIL, if this thread has held it for a turn, and learn who wants it."""
    global holds, turn
    cdef int64_t now = ps_clock()
    cdef int64_t wanted, before
    cdef bint has_others
    holds = 0
    if now - released_at < turn:
        return
    has_others = count_threads() > 0
    with nogil:
        wanted = ps_yield_until(now + WAKE_UP) if has_others else now
    before = turn
    learn_from_release(wanted)
    if turn == before:  # nobody wanted it
        turn = min(2 * turn, MAX_TURN)


@cython.binding(False)
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
def set_gil_hold(Py_ssize_t nbytes, /):
    """Let transfers of up to *nbytes* bytes be tried without releasing the GIL.

    A try never waits, so what it costs other threads is the copy through the kernel: some
    microseconds for the default of 16384 bytes; on a loopback address the receiver's part of the
    network stack runs inside it too. What it saves is a thread that computes taking the GIL for up
    to `sys.getswitchinterval()` at each call. 0 releases the GIL for every call that moves a byte,
    as the standard library does. The setting is the process's. ValueError if *nbytes* is negative.
    """
    global gil_hold
    if nbytes < 0:
        raise ValueError("nbytes must not be negative")
    gil_hold = <size_t>nbytes


@cython.binding(False)
@cython.embedsignature(True)
@cython.embedsignature.format("clinic")
def get_gil_hold():
    """The number of bytes that `set_gil_hold()` set: 16384 unless it was called."""
    return gil_hold
