/* Waiting for one descriptor until a deadline on the monotonic clock. */
#ifndef PS_WAIT_H
#define PS_WAIT_H

#include "ps_sys.h"

/* CLOCK_MONOTONIC in nanoseconds. Deadlines use this clock because it does not jump when somebody
 * sets the date. */
int64_t ps_clock(void);

/* Leave the processor to other threads until ps_clock() reaches deadline, which is near. Returns
 * the time then. */
int64_t ps_yield_until(int64_t deadline);
/* The CPU time of this thread in nanoseconds, the kernel's part included. */
int64_t ps_cpu_clock(void);

/* Wait until poll(2) reports one of events (POLLIN, POLLOUT), POLLERR or POLLHUP for fd, or until
 * ps_clock() reaches deadline. Returns 1 when fd is ready, 0 after the deadline, -errno (also
 * -EINTR). Even after the deadline poll(2) is called once. A negative fd is -EBADF. */
int ps_wait(int fd, short events, int64_t deadline);

/* The deadline of a blocking send that begins now: SO_SNDTIMEO from now, or INT64_MAX where that is
 * not set. 0 where the send may not wait, because fd has O_NONBLOCK or is no socket. */
int64_t ps_send_deadline(int fd);

/* After a short write, wait for room in the send buffer as a blocking send(2) does: no longer than
 * SO_SNDTIMEO, and not at all under O_NONBLOCK. Returns 1 where the caller should send the rest,
 * and 0 where it should report the short write: after SO_SNDTIMEO, a signal, or a hang-up.
 *
 * This poll(2) leaves a pending error (SO_ERROR) with the socket, so that the next call reports it.
 * A blocking send(2) in its place would fail with the error and clear it, and nobody would hear of
 * it, because the caller has to report the short write. */
int ps_wait_room(int fd);

/* A watch waits for fd where ps_wait cannot, because poll(2) returns at once although the system
 * call still fails with EAGAIN. POLLERR stays set while the error queue is not empty, and POLLIN
 * stays set on a datagram socket after shutdown(2). A watch is an edge-triggered epoll(7)
 * descriptor: it reports only what happens after it was opened, and reports it once. The caller
 * opens a watch, makes its system call again, and waits after the next EAGAIN.
 *
 * ps_watch_open returns -errno where no descriptor is left, or where the system has no epoll. The
 * caller passes this number on as it is: a wait with it lasts one millisecond. */
int ps_watch_open(int fd, short events);
int ps_watch_wait(int watch, int64_t deadline); /* 1: call again; 0: deadline passed; -errno */
void ps_watch_close(int watch);

#endif
