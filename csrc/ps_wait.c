#include "ps_wait.h"

#include <time.h>

#define NS_PER_S INT64_C(1000000000)

int64_t ps_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

int ps_wait(int fd, short events, int64_t deadline) {
    if (fd < 0) {
        return -EBADF; /* poll(2) would ignore it, and sleep */
    }
    struct pollfd pfd = {.fd = fd, .events = events, .revents = 0};
    int64_t left = deadline - ps_clock();
    if (left < 0) {
        left = 0;
    }
#ifdef PS_HAVE_PPOLL
    struct timespec timeout = {.tv_sec = (time_t)(left / NS_PER_S),
                               .tv_nsec = (long)(left % NS_PER_S)};
    int n = ppoll(&pfd, 1, &timeout, NULL);
#else
    /* Rounded up: waking early would spin. Longer waits than poll() can name are cut; the
     * caller looks at its deadline again. */
    int64_t ms = (left + 999999) / 1000000;
    int n = poll(&pfd, 1, ms > INT32_MAX ? INT32_MAX : (int)ms);
#endif
    return n < 0 ? -errno : n;
}
