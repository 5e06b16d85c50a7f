"""When a transfer is tried with the GIL held. The reasons are in gil_policy.pyx."""

from libc.stdint cimport int64_t

from ..sys.ps_io cimport PS_TRYABLE_FLAGS, ps_io
from ..sys.ps_wait cimport POLLIN
from .socket_object cimport socket
from .threads cimport HAS_GIL, shared_byte, shared_int, shared_size

cdef enum:
    HOLDS_BETWEEN_CLOCKS = 16
    DESCRIPTORS = 1 << 16  # a power of two
    MAX_MISSES = 2        # so many misses one after the other make the next try pointless
    NO_WAIT = 3_000        # ns: a wait that takes less has found its data there
    LOW_WATER = 255        # in the place of a count: the socket has SO_RCVLOWAT set

cdef shared_size gil_hold    # bytes: transfers of at most so many may hold the GIL
cdef shared_int contention   # above 0: other threads want the GIL for short, and no call holds it
cdef shared_int holds        # calls that held the GIL since the clock was read
cdef shared_byte[DESCRIPTORS] misses  # receives that found nothing, by descriptor modulo DESCRIPTORS


cdef inline shared_byte *misses_of(int fd) noexcept:
    return &misses[<unsigned int>fd % DESCRIPTORS]


cdef inline bint has_low_water(int fd) noexcept:
    """Whether the socket has SO_RCVLOWAT set, as far as is known."""
    return misses_of(fd)[0] == LOW_WATER


cdef inline void set_low_water(int fd, bint is_set) noexcept:
    misses_of(fd)[0] = LOW_WATER if is_set else 0


cdef inline void count_hit(int fd) noexcept:
    """A receive has found data at once."""
    cdef shared_byte *count = misses_of(fd)
    # Written only if it changes: threads without a GIL would pass its cache line around.
    if count[0] and count[0] != LOW_WATER:
        count[0] = 0


cdef inline void count_miss(int fd) noexcept:
    """A receive has found nothing."""
    cdef shared_byte *count = misses_of(fd)
    if count[0] < MAX_MISSES:
        count[0] += 1


cdef inline bint has_turn() noexcept:
    """Whether this thread may make a system call with the GIL held: it gives the others their turn."""
    global holds
    if not HAS_GIL:
        return True
    if contention == 0:
        holds += 1
        if holds < HOLDS_BETWEEN_CLOCKS:
            return True
        give_turn()
    return contention == 0


cdef inline bint may_hold(const ps_io *io) noexcept:
    """Whether one system call of this transfer may be made with the GIL held."""
    return io.likely <= gil_hold and has_turn()


cdef inline bint may_try(socket sock, const ps_io *io, short events, int64_t timeout) noexcept:
    """Whether a transfer is tried, with the GIL held and MSG_DONTWAIT, before anything waits."""
    return (may_hold(io) and not io.flags & ~PS_TRYABLE_FLAGS
            and (events != POLLIN or misses_of(sock.sock_fd)[0] < MAX_MISSES or timeout == 0))


cdef void give_turn() noexcept
cdef int learn_from_release(int64_t wanted) except -1
