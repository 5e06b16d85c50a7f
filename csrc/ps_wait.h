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

#endif
