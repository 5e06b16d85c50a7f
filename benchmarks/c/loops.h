/* What every loop keeps to: it takes the number of passes first, and returns 0 for the caller
 * to have timed it, nanoseconds if it held the clock itself, or -errno. */
#ifndef LOOPS_H
#define LOOPS_H

#include <errno.h>
#include <stdint.h>
#include <time.h>

static inline int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The CPU time of this thread. */
static inline int64_t cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The error of the call that returned result: a short transfer is one, too. */
static inline int64_t failure(int64_t result) {
    return result < 0 ? -errno : -EIO;
}

#endif
