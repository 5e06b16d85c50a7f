/* Waiting for many descriptors with epoll(7). */
#ifndef PS_EPOLL_H
#define PS_EPOLL_H

#include "ps_sys.h"

#ifdef PS_HAVE_EPOLL
#include <string.h>
#include <sys/epoll.h>

typedef struct epoll_event ps_event;

/* Call epoll_ctl(2) with EPOLL_CTL_ADD, EPOLL_CTL_MOD or EPOLL_CTL_DEL. The events of fd come with
 * fd and with the tag: data.fd has the first half of the user's data, and the tag has the other.
 * Returns 0 or -errno. */
static inline int ps_epoll_ctl(int epoll, int operation, int fd, uint32_t events, uint32_t tag) {
    ps_event event = {.events = events, .data.fd = fd};
    memcpy((char *)&event.data + sizeof(fd), &tag, sizeof(tag));
    return epoll_ctl(epoll, operation, fd, &event) < 0 ? -errno : 0;
}

/* The tag that came with an event. */
static inline uint32_t ps_event_tag(const ps_event *event) {
    uint32_t tag;
    memcpy(&tag, (const char *)&event->data + sizeof(int), sizeof(tag));
    return tag;
}

/* Call epoll_wait(2): with a timeout_ms of 0 it returns at once, with -1 it waits without limit.
 * Returns the number of events, or -errno. The function is inline because after a system call the
 * processor often mispredicts a return, and one more of them is measurable in a call that does not
 * wait. */
static inline int ps_epoll_wait(int epoll, ps_event *events, int most, int timeout_ms) {
    int n = epoll_wait(epoll, events, most, timeout_ms);
    return n < 0 ? -errno : n;
}

#endif

#endif
