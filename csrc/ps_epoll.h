/* Waiting for many descriptors: epoll(7). */
#ifndef PS_EPOLL_H
#define PS_EPOLL_H

#include "ps_sys.h"

#ifdef PS_HAVE_EPOLL
#include <sys/epoll.h>

typedef struct epoll_event ps_event;

/* EPOLL_CTL_ADD, _MOD, _DEL: from now on these events of fd are waited for. 0 or -errno. */
static inline int ps_epoll_ctl(int epoll, int operation, int fd, uint32_t events) {
    ps_event event = {.events = events, .data.fd = fd};
    return epoll_ctl(epoll, operation, fd, &event) < 0 ? -errno : 0;
}

/* Wait for up to timeout_ms (0: only look, -1: without end): the number of events, or -errno.
 * Inline: behind a system call each return is a cold one, and a look is little more than that. */
static inline int ps_epoll_wait(int epoll, ps_event *events, int most, int timeout_ms) {
    int n = epoll_wait(epoll, events, most, timeout_ms);
    return n < 0 ? -errno : n;
}

#endif

#endif
