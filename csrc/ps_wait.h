/* Waiting for one descriptor, against a deadline on the monotonic clock. */
#ifndef PS_WAIT_H
#define PS_WAIT_H

#include "ps_sys.h"

/* CLOCK_MONOTONIC in nanoseconds: a deadline must not move when the date is set. */
int64_t ps_clock(void);

/* Wait until fd has one of events (POLLIN, POLLOUT), an error or a hang-up, or
 * until ps_clock() reaches deadline: 1 ready, 0 too late, -errno (-EINTR too).
 * A deadline already past still looks once. -EBADF where fd is closed (negative). */
int ps_wait(int fd, short events, int64_t deadline);

/* Until when a blocking send may wait: now and SO_SNDTIMEO, INT64_MAX without it; 0, not at all,
 * under O_NONBLOCK, or where fd is no socket. */
int64_t ps_send_deadline(int fd);

/* Wait as a blocking send that has sent a part waits for room: no longer than SO_SNDTIMEO, not at
 * all under O_NONBLOCK. 1: send the rest. 0: what was sent is all, for the time is over, a signal
 * came or the connection is gone. Then the error is still the socket's, for whoever asks next; a
 * send that waits itself, and gets nothing out any more, takes it away. */
int ps_wait_room(int fd);

/* The same as ps_wait where poll() is no wait, for it reports all the time what is of no use:
 * POLLERR while nobody reads the error queue (MSG_ERRQUEUE), POLLIN of a datagram socket that was
 * shut down. A watch reports what happens after it was opened, each time once. So: open it, try,
 * wait, try.
 *
 * Opening may fail (-errno) where descriptors are short, or the system has no such thing. The
 * result is a watch none the less: one that lets a millisecond pass. */
int ps_watch_open(int fd, short events);
int ps_watch_wait(int watch, int64_t deadline); /* 1 something happened, 0 too late, -errno */
void ps_watch_close(int watch);

#endif
