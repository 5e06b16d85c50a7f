/* Loaded before the C library: system calls fail here as a test says, and the kernel is not asked.
 *
 * Everything is the calling thread's own: a test arms what its own thread is about to call, and its
 * peers go on undisturbed. Calls go by groups, for two implementations of one operation need not
 * use the same system call: "recv", "send", "make", "wait", "connect", "other".
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum group { RECV, SEND, MAKE, WAIT, CONNECT, OTHER, GROUPS };

static const char *const group_names[GROUPS] = {"recv", "send", "make", "wait", "connect", "other"};

static __thread struct {
    int error;
    long at;    /* calls until the first one that fails; 0: none */
    long times; /* how many fail then */
    long calls;
} armed[GROUPS];

static __thread size_t send_most;
static int inheritable;
static int resolver;
static long clock_jumps;

void shim_clear(void) {
    memset(armed, 0, sizeof armed);
    send_most = 0;
}

int shim_fail(const char *name, int error, long at, long times) {
    for (int i = 0; i < GROUPS; i++) {
        if (strcmp(name, group_names[i]) == 0) {
            armed[i].error = error;
            armed[i].at = at;
            armed[i].times = times;
            armed[i].calls = 0;
            return 0;
        }
    }
    return -1;
}

long shim_calls(const char *name) {
    for (int i = 0; i < GROUPS; i++) {
        if (strcmp(name, group_names[i]) == 0) {
            return armed[i].calls;
        }
    }
    return -1;
}

void shim_short(size_t most) {
    send_most = most;
}

void shim_clock(long seconds) {
    clock_jumps = seconds;
}

void shim_resolver(int on) {
    resolver = on;
}

int shim_inheritable(void) {
    return inheritable;
}

static int fails(enum group group) {
    long n = ++armed[group].calls;
    if (armed[group].at > 0 && n >= armed[group].at && n < armed[group].at + armed[group].times) {
        errno = armed[group].error;
        return 1;
    }
    return 0;
}

static void must_close_on_exec(int flags) {
    if (!(flags & SOCK_CLOEXEC)) {
        __atomic_add_fetch(&inheritable, 1, __ATOMIC_RELAXED);
    }
}

#define NEXT(name)                                                                                 \
    static __typeof__(&name) next;                                                                 \
    if (next == NULL) {                                                                            \
        next = (__typeof__(&name))dlsym(RTLD_NEXT, #name);                                         \
    }

#define REPLACE(group, result, name, parameters, arguments)                                        \
    result name parameters {                                                                       \
        NEXT(name)                                                                                 \
        return fails(group) ? -1 : next arguments;                                                 \
    }

REPLACE(RECV, ssize_t, recv, (int fd, void *buf, size_t n, int flags), (fd, buf, n, flags))
REPLACE(RECV, ssize_t, recvfrom,
        (int fd, void *buf, size_t n, int flags, __SOCKADDR_ARG addr, socklen_t *len),
        (fd, buf, n, flags, addr, len))
REPLACE(RECV, ssize_t, recvmsg, (int fd, struct msghdr *msg, int flags), (fd, msg, flags))
REPLACE(RECV, int, recvmmsg,
        (int fd, struct mmsghdr *msgs, unsigned n, int flags, struct timespec *timeout),
        (fd, msgs, n, flags, timeout))
REPLACE(SEND, int, sendmmsg, (int fd, struct mmsghdr *msgs, unsigned n, int flags),
        (fd, msgs, n, flags))
REPLACE(SEND, ssize_t, sendfile, (int out, int in, off_t *offset, size_t n), (out, in, offset, n))
REPLACE(SEND, ssize_t, sendfile64, (int out, int in, off64_t *offset, size_t n),
        (out, in, offset, n))
REPLACE(WAIT, int, poll, (struct pollfd * fds, nfds_t n, int timeout), (fds, n, timeout))
REPLACE(WAIT, int, ppoll,
        (struct pollfd * fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask),
        (fds, n, timeout, mask))
REPLACE(WAIT, int, epoll_wait, (int epoll, struct epoll_event *events, int n, int timeout),
        (epoll, events, n, timeout))
REPLACE(CONNECT, int, connect, (int fd, __CONST_SOCKADDR_ARG addr, socklen_t len), (fd, addr, len))
REPLACE(OTHER, int, bind, (int fd, __CONST_SOCKADDR_ARG addr, socklen_t len), (fd, addr, len))
REPLACE(OTHER, int, listen, (int fd, int backlog), (fd, backlog))
REPLACE(OTHER, int, shutdown, (int fd, int how), (fd, how))
REPLACE(OTHER, int, getsockname, (int fd, __SOCKADDR_ARG addr, socklen_t *len), (fd, addr, len))
REPLACE(OTHER, int, getpeername, (int fd, __SOCKADDR_ARG addr, socklen_t *len), (fd, addr, len))

/* A send that takes only a part, as under memory pressure: streams alone, and they say so. */
static size_t part(int fd, size_t n) {
    int type = 0;
    socklen_t len = sizeof type;
    if (send_most == 0 || n <= send_most || getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
        type != SOCK_STREAM) {
        return n;
    }
    return send_most;
}

ssize_t send(int fd, const void *buf, size_t n, int flags) {
    NEXT(send)
    return fails(SEND) ? -1 : next(fd, buf, part(fd, n), flags);
}

ssize_t sendto(int fd, const void *buf, size_t n, int flags, __CONST_SOCKADDR_ARG addr,
               socklen_t len) {
    NEXT(sendto)
    return fails(SEND) ? -1 : next(fd, buf, part(fd, n), flags, addr, len);
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags) {
    NEXT(sendmsg)
    struct msghdr cut = *msg;
    struct iovec first;
    if (fails(SEND)) {
        return -1;
    }
    if (msg->msg_iovlen > 0 && part(fd, msg->msg_iov->iov_len) < msg->msg_iov->iov_len) {
        first.iov_base = msg->msg_iov->iov_base;
        first.iov_len = send_most;
        cut.msg_iov = &first;
        cut.msg_iovlen = 1;
    }
    return next(fd, &cut, flags);
}

int socket(int family, int type, int proto) {
    NEXT(socket)
    must_close_on_exec(type);
    return fails(MAKE) ? -1 : next(family, type, proto);
}

int socketpair(int family, int type, int proto, int fds[2]) {
    NEXT(socketpair)
    must_close_on_exec(type);
    return fails(MAKE) ? -1 : next(family, type, proto, fds);
}

int accept4(int fd, __SOCKADDR_ARG addr, socklen_t *len, int flags) {
    NEXT(accept4)
    must_close_on_exec(flags);
    return fails(MAKE) ? -1 : next(fd, addr, len, flags);
}

int accept(int fd, __SOCKADDR_ARG addr, socklen_t *len) {
    NEXT(accept)
    must_close_on_exec(0);
    return fails(MAKE) ? -1 : next(fd, addr, len);
}

/* The date is set, back and forth, at every look. */
int clock_gettime(clockid_t clock, struct timespec *now) {
    NEXT(clock_gettime)
    int n = next(clock, now);
    if (clock == CLOCK_REALTIME && clock_jumps != 0) {
        clock_jumps = -clock_jumps;
        now->tv_sec += clock_jumps;
    }
    return n;
}

/* Every name is another address each time that it is asked for. */
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **result) {
    NEXT(getaddrinfo)
    static int asked;
    char text[32];
    if (resolver && host != NULL && strstr(host, ".test") != NULL) {
        snprintf(text, sizeof text, "127.0.0.%d", 1 + ++asked % 200);
        host = text;
    }
    return next(host, service, hints, result);
}
