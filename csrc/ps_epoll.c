#include "ps_epoll.h"

#ifdef PS_HAVE_EPOLL

int ps_epoll_wait(int epoll, ps_event *events, int most, int timeout_ms) {
    int n = epoll_wait(epoll, events, most, timeout_ms);
    return n < 0 ? -errno : n;
}

#endif
