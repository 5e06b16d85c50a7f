"""When a transfer is tried with the GIL held.

A thread that computes gets the GIL each time another thread releases it, and keeps it for the switch
interval, 5 ms. A system call that can finish at once takes some microseconds. So a small transfer is
tried with the GIL held, and MSG_DONTWAIT makes sure that it does not wait. Only a call that cannot
finish releases the GIL and waits.

Two things make a try wrong:

* Other threads do I/O, too. While one of them is in the kernel with the GIL, the others could have
  been there. How long it takes to get the GIL back after a wait tells which case it is. Beside a
  thread that computes it takes the switch interval. Beside threads that soon wait themselves it takes
  some microseconds. Where nobody wants the GIL it takes no time. So each wait measures it. In the
  second case the GIL is released for every system call, as the standard library does, until
  CONTENDED_CALLS waits have met no contention.

* The try finds nothing. A receive that has found nothing twice, one time after the other, is not
  tried a third time: the call waits at once. The next one is tried again if that wait finds its data
  there. The counts are kept by descriptor. A descriptor that is given to another socket brings its
  count along, which costs one try at most.

A socket with SO_RCVLOWAT set is never tried, since MSG_DONTWAIT returns what is there, however
little. Its place among the counts says LOW_WATER. It is set where the option is set, or where a
socket is made from a descriptor that may have it already.

A free-threaded interpreter has no GIL to contend for, and nothing is measured. A thread in a try is
attached to the interpreter then, and holds up nothing but a garbage collection. To wait it detaches,
in the same places.
"""

from sys import getswitchinterval

cimport cython

from libc.stdint cimport int64_t

from ..sys.ps_wait cimport ps_clock
from .threads cimport HAS_GIL, shared_int, shared_size

cdef enum:
    REGAINED_AT_ONCE = 2_000  # ns: nobody else wanted the GIL
    CONTENDED_CALLS = 1_000   # waits without contention that make up for one with it

cdef shared_size gil_hold = 16384
cdef shared_int contention = 0
cdef object get_switch_interval = getswitchinterval


cdef int learn_from_release(int64_t started, int64_t wanted, ssize_t moved) except -1:
    """Learn from a release of the GIL. *wanted* is the ps_clock() at which it was wanted back.

    *started* and *moved* are for a profile: see `after_release` in retry.pxd.
    """
    global contention
    cdef int64_t took
    if not HAS_GIL:
        return 0
    took = ps_clock() - wanted
    if took <= REGAINED_AT_ONCE:
        if contention > 0:
            contention -= 1
    elif took < 1e9 * <double>get_switch_interval():
        contention = CONTENDED_CALLS
    else:
        contention = 0  # a thread computes: a release costs too much
    return 0


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
