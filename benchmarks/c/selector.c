/* epoll_wait(2) on descriptors of which some are ready, and epoll_ctl(2). */
#include "loops.h"

#include <stdlib.h>
#include <sys/epoll.h>

int64_t select_ready(int64_t n, int epoll, int registered) {
    int64_t outcome = 0;
    struct epoll_event *events = calloc((size_t)registered, sizeof *events);
    if (events == NULL) {
        return -ENOMEM;
    }
    for (int64_t i = 0; outcome == 0 && i < n; i++) {
        int ready = epoll_wait(epoll, events, registered, -1);
        outcome = ready > 0 ? 0 : failure(ready);
    }
    free(events);
    return outcome;
}

static int control(int epoll, int operation, int fd, uint32_t events) {
    struct epoll_event event = {.events = events, .data.fd = fd};
    return epoll_ctl(epoll, operation, fd, &event) == 0 ? 0 : failure(-1);
}

int64_t register_unregister(int64_t n, int epoll, int fd) {
    int64_t outcome = 0;
    for (int64_t i = 0; outcome == 0 && i < n; i++) {
        outcome = control(epoll, EPOLL_CTL_ADD, fd, EPOLLIN);
        if (outcome == 0) {
            outcome = control(epoll, EPOLL_CTL_DEL, fd, 0);
        }
    }
    return outcome;
}

int64_t modify_twice(int64_t n, int epoll, int fd) {
    int64_t outcome = 0;
    for (int64_t i = 0; outcome == 0 && i < n; i++) {
        outcome = control(epoll, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLOUT);
        if (outcome == 0) {
            outcome = control(epoll, EPOLL_CTL_MOD, fd, EPOLLIN);
        }
    }
    return outcome;
}
