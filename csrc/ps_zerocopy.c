#include "ps_zerocopy.h"

#include "ps_cmsg.h"
#include "ps_wait.h"

#include <netinet/in.h>

uint32_t ps_range_overlap(ps_range a, ps_range b) {
    /* Where b does not begin in a, they overlap only if a begins in b. */
    if (b.first - a.first > a.last - a.first) {
        ps_range swapped = a;
        a = b;
        b = swapped;
    }
    uint32_t from = b.first - a.first;
    uint32_t span = a.last - a.first;
    if (from > span) {
        return 0;
    }
    uint32_t most = span - from;
    uint32_t wanted = b.last - b.first;
    return (wanted < most ? wanted : most) + 1;
}

int ps_zerocopy_issued(ps_zerocopy *counter, ps_range numbers) {
    pthread_mutex_lock(&counter->lock);
    uint64_t sends = counter->sends;
    pthread_mutex_unlock(&counter->lock);
    uint32_t ago = (uint32_t)sends - numbers.first; /* how many sends before the next one */
    uint32_t span = numbers.last - numbers.first;
    return ago > 0 && ago <= INT32_MAX && ago <= sends && span < ago;
}

#ifdef PS_HAVE_ZEROCOPY

#include <linux/errqueue.h>

int ps_notice_parse(const struct msghdr *msg, ps_notice *notice) {
    struct cmsghdr *cursor = NULL;
    ps_cmsg item;
    int truncated = 0;
    while (ps_cmsg_next(msg, &cursor, &item, &truncated)) {
        struct sock_extended_err error;
        if (!(item.level == IPPROTO_IP && item.type == IP_RECVERR) &&
            !(item.level == IPPROTO_IPV6 && item.type == IPV6_RECVERR)) {
            continue;
        }
        if (item.len < sizeof error) {
            continue;
        }
        memcpy(&error, item.data, sizeof error);
        if (error.ee_origin == SO_EE_ORIGIN_ZEROCOPY && error.ee_errno == 0) {
            notice->numbers = (ps_range){.first = error.ee_info, .last = error.ee_data};
            notice->copied = (error.ee_code & SO_EE_CODE_ZEROCOPY_COPIED) != 0;
            return 1;
        }
    }
    return 0;
}

static int option_is_set(int fd, int level, int option) {
    int value = 0;
    socklen_t len = sizeof value;
    return getsockopt(fd, level, option, &value, &len) == 0 && value != 0;
}

int ps_zerocopy_cookie(int fd, uint64_t *cookie) {
    socklen_t len = sizeof *cookie;
    return getsockopt(fd, SOL_SOCKET, SO_COOKIE, cookie, &len) < 0 ? -errno : 0;
}

int ps_zerocopy_is_on(int fd) {
    return option_is_set(fd, SOL_SOCKET, SO_ZEROCOPY);
}

int ps_zerocopy_init(ps_zerocopy *counter, int fd, uint64_t cookie) {
    int on = 1;
    if (ps_zerocopy_is_on(fd) || setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof on) < 0) {
        return 0;
    }
    *counter = (ps_zerocopy){.cookie = cookie};
    pthread_mutex_init(&counter->lock, NULL);
    return 1;
}

void ps_zerocopy_free(ps_zerocopy *counter) {
    pthread_mutex_destroy(&counter->lock);
}

void ps_zerocopy_forsake(ps_zerocopy *counter) {
    pthread_mutex_init(&counter->lock, NULL);
    counter->lost = 1;
}

/* Whether fd is still the counted socket, and still has SO_ZEROCOPY. */
static int is_counted(const ps_zerocopy *counter, int fd) {
    uint64_t cookie;
    return ps_zerocopy_cookie(fd, &cookie) == 0 && cookie == counter->cookie &&
           ps_zerocopy_is_on(fd);
}

/* Whether a failed send may have used up a number. On a stream it never does. A datagram's send
 * gives its number back only where it fails before the packet is passed on. The errors below show
 * that it has; every other error may come from a packet filter or a queue of the network. */
static int may_have_been_numbered(int fd, int is_stream, ssize_t error) {
    if (is_stream || error == -EAGAIN || error == -EINTR || error == -EDESTADDRREQ) {
        return 0;
    }
    if (error == -ENOBUFS) { /* from a full queue only with IP_RECVERR: udp(7) */
        return option_is_set(fd, IPPROTO_IP, IP_RECVERR) ||
               option_is_set(fd, IPPROTO_IPV6, IPV6_RECVERR);
    }
    return 1;
}

/* Whether to send again by copying, because the socket or the memory does not allow zero-copy. */
static int must_copy(ps_zerocopy_send *job, ssize_t error) {
    switch (-error) {
    case EOPNOTSUPP:
    case PS_ENOTSUPP:
        job->counter->lost = 1; /* the socket never can: it has TLS in the kernel, for example */
        return 1;
    case EFAULT: /* a device's memory cannot be pinned, but may be copied */
        return 1;
    case ENOBUFS:
        job->no_memory = 1;
        return job->copies || job->numbered;
    default:
        return 0;
    }
}

static ssize_t send_once(ps_zerocopy_send *job, int fd, const char *data, size_t len, int flags) {
    ps_zerocopy *counter = job->counter;
    int copy = 1;
    ssize_t n = 0;
    flags |= MSG_DONTWAIT;
    pthread_mutex_lock(&counter->lock);
    if (!counter->lost && is_counted(counter, fd)) {
        n = send(fd, data, len, flags | MSG_ZEROCOPY);
        n = n < 0 ? -errno : n;
        copy = n < 0 && must_copy(job, n);
        if (n > 0) {
            uint32_t number = (uint32_t)counter->sends++;
            job->numbers.last = number;
            if (!job->numbered) {
                job->numbers.first = number;
                job->numbered = 1;
            }
        } else if (n < 0 && may_have_been_numbered(fd, job->is_stream, n)) {
            counter->lost = 1;
        }
    }
    pthread_mutex_unlock(&counter->lock);
    if (copy) {
        n = send(fd, data, len, flags);
        n = n < 0 ? -errno : n;
    }
    return n;
}

static ssize_t send_blocking(ps_zerocopy_send *job, int fd, int flags) {
    const char *data = job->io.buf;
    size_t left = job->io.len;
    int64_t deadline = -1;
    /* How often poll(2) has returned although the next send failed with EAGAIN. After two times a
     * watch is used instead, because POLLERR stays set while the error queue is not empty. The
     * value is 3 when the watch is open. */
    int waits = 0;
    int watch = -1;
    ssize_t n;
    for (;; fd = *job->fd_ptr) { /* the socket may have been closed, and fd be another file's */
        n = send_once(job, fd, data, left, flags);
        if (n >= 0) {
            data += n;
            left -= (size_t)n;
            if (left == 0 || !job->is_stream) {
                break;
            }
            waits = waits > 2 ? waits : 0;
        } else if (n != -EAGAIN) {
            break;
        } else if (waits == 2) {
            watch = ps_watch_open(fd, POLLOUT);
            waits = 3;
        } else {
            if (deadline < 0) {
                deadline = ps_send_deadline(fd);
            }
            n = waits < 2 ? ps_wait(fd, POLLOUT, deadline) : ps_watch_wait(watch, deadline);
            if (n <= 0) {
                n = n == 0 ? -EAGAIN : n;
                break;
            }
            waits += waits < 2;
        }
    }
    ps_watch_close(watch);
    return left < job->io.len ? (ssize_t)(job->io.len - left) : n;
}

ssize_t ps_send_zerocopy(int fd, ps_io *io, int flags) {
    ps_zerocopy_send *job = (ps_zerocopy_send *)io;
    if (flags & MSG_DONTWAIT) {
        return send_once(job, fd, io->buf, io->len, flags);
    }
    return send_blocking(job, fd, flags);
}

#else

int ps_notice_parse(const struct msghdr *msg, ps_notice *notice) {
    (void)msg, (void)notice;
    return 0;
}

int ps_zerocopy_cookie(int fd, uint64_t *cookie) {
    (void)fd, (void)cookie;
    return -ENOSYS;
}

int ps_zerocopy_is_on(int fd) {
    (void)fd;
    return 0;
}

int ps_zerocopy_init(ps_zerocopy *counter, int fd, uint64_t cookie) {
    (void)counter, (void)fd, (void)cookie;
    return 0;
}

void ps_zerocopy_free(ps_zerocopy *counter) {
    (void)counter;
}

void ps_zerocopy_forsake(ps_zerocopy *counter) {
    (void)counter;
}

ssize_t ps_send_zerocopy(int fd, ps_io *io, int flags) {
    return ps_send(fd, io, flags);
}

#endif
