/* Waiting for many descriptors: epoll(7). */
#ifndef PS_EPOLL_H
#define PS_EPOLL_H

#include "ps_sys.h"

#ifdef PS_HAVE_EPOLL
#include <sys/epoll.h>

typedef struct epoll_event ps_event;

/* Wait for up to timeout_ms (0: only look, -1: without end): the number of events, or -errno. */
int ps_epoll_wait(int epoll, ps_event *events, int most, int timeout_ms);

#endif

#endif
