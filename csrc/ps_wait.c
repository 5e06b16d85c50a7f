#include "ps_wait.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/time.h>
#include <time.h>

#ifdef PS_HAVE_EPOLL
#include <sys/epoll.h>
#endif

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

int64_t ps_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t ps_yield_until(int64_t deadline) {
    int64_t now;
    do {
        sched_yield();
        now = ps_clock();
    } while (now < deadline);
    return now;
}

int64_t ps_cpu_clock(void) {
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * NS_PER_S + used.tv_nsec;
}

/* Call poll(2) with a deadline. With a count of 0 this only sleeps. */
static int poll_until(struct pollfd *pfds, nfds_t count, int64_t deadline) {
    int64_t left = deadline - ps_clock();
    if (left < 0) {
        left = 0;
    }
#ifdef PS_HAVE_PPOLL
    struct timespec timeout = {.tv_sec = (time_t)(left / NS_PER_S),
                               .tv_nsec = (long)(left % NS_PER_S)};
    int n = ppoll(pfds, count, &timeout, NULL);
#else
    /* Rounded up, because a wait that ends before the deadline would be repeated in a busy loop. A
     * wait longer than poll(2) can have is cut: then the caller waits again. */
    int64_t ms = (left + 999999) / 1000000;
    int n = poll(pfds, count, ms > INT32_MAX ? INT32_MAX : (int)ms);
#endif
    return n < 0 ? -errno : n;
}

int ps_wait(int fd, short events, int64_t deadline) {
    if (fd < 0) {
        return -EBADF; /* poll(2) ignores a negative descriptor and sleeps */
    }
    struct pollfd pfd = {.fd = fd, .events = events, .revents = 0};
    return poll_until(&pfd, 1, deadline);
}

int64_t ps_send_deadline(int fd) {
    struct timeval timeout = {0};
    socklen_t len = sizeof timeout;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || flags & O_NONBLOCK ||
        getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, &len) < 0) {
        return 0;
    }
    if (timeout.tv_sec == 0 && timeout.tv_usec == 0) {
        return INT64_MAX;
    }
    int64_t now = ps_clock();
    if (timeout.tv_sec >= (INT64_MAX - now) / NS_PER_S) {
        return INT64_MAX;
    }
    return now + timeout.tv_sec * NS_PER_S + timeout.tv_usec * INT64_C(1000);
}

int ps_wait_room(int fd) {
    struct pollfd pfd = {.fd = fd, .events = POLLOUT, .revents = 0};
    int64_t deadline = ps_send_deadline(fd);
    if (deadline == 0) {
        return 0;
    }
    /* POLLERR without POLLHUP may only say that the error queue is not empty. Then poll(2) cannot
     * wait for room, and the caller has to make the blocking send(2), which can. */
    return poll_until(&pfd, 1, deadline) > 0 && !(pfd.revents & POLLHUP);
}

#ifdef PS_HAVE_EPOLL

/* Read the events that the watch has by now, so that it reports only later ones. */
static void consume_events(int watch) {
    struct epoll_event event;
    epoll_wait(watch, &event, 1, 0);
}

int ps_watch_open(int fd, short events) {
    struct epoll_event event = {.events = EPOLLET | (uint32_t)events}; /* EPOLLIN == POLLIN */
    int watch = epoll_create1(EPOLL_CLOEXEC);
    if (watch < 0) {
        return -errno;
    }
    if (epoll_ctl(watch, EPOLL_CTL_ADD, fd, &event) < 0) {
        int err = errno;
        close(watch);
        return -err;
    }
    consume_events(watch);
    return watch;
}

#else

int ps_watch_open(int fd, short events) {
    (void)fd, (void)events;
    return -ENOSYS;
}

#endif

int ps_watch_wait(int watch, int64_t deadline) {
    if (watch < 0) {
        int64_t soon = ps_clock() + NS_PER_MS;
        int n = poll_until(NULL, 0, soon < deadline ? soon : deadline);
        return n < 0 ? n : soon < deadline;
    }
    int n = ps_wait(watch, POLLIN, deadline);
#ifdef PS_HAVE_EPOLL
    if (n > 0) {
        consume_events(watch);
    }
#endif
    return n > 0 ? 1 : n;
}

void ps_watch_close(int watch) {
    if (watch >= 0) {
        close(watch);
    }
}
