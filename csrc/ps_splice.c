#include "ps_splice.h"

#include "ps_wait.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <time.h>

static ssize_t result(ssize_t n) {
    return n < 0 ? -errno : n;
}

/* Find out what kind of descriptor *fd_ptr is. */
static int init_end(ps_end *end, const int *fd_ptr) {
    struct stat status;
    int type = 0;
    socklen_t len = sizeof type;
    *end = (ps_end){.fd_ptr = fd_ptr};
    int flags = fcntl(*end->fd_ptr, F_GETFL);
    if (flags < 0 || fstat(*end->fd_ptr, &status) < 0) {
        return -errno;
    }
    end->blocks = !(flags & O_NONBLOCK);
    end->is_socket = S_ISSOCK(status.st_mode);
    end->is_pipe = S_ISFIFO(status.st_mode);
    end->is_file = S_ISREG(status.st_mode) || S_ISBLK(status.st_mode);
    if (!end->is_socket) {
        return 0;
    }
    if (getsockopt(*end->fd_ptr, SOL_SOCKET, SO_TYPE, &type, &len) < 0) {
        return -errno;
    }
    return type == SOCK_STREAM ? 0 : -EPROTOTYPE;
}

/* Whether splice(2) may wait for this end: SPLICE_F_NONBLOCK affects only pipes. */
static int may_wait(const ps_end *end) {
    return end->blocks && !end->is_pipe && !end->is_file;
}

int ps_splice_init(ps_splice *s, const int *source_ptr, const int *target_ptr, int64_t count,
                   int timed, char *memory) {
    *s = (ps_splice){.left = count, .timed = timed, .pipe = {-1, -1}, .memory = memory};
    int err = init_end(&s->source, source_ptr);
    if (err == 0) {
        err = init_end(&s->target, target_ptr);
    }
    if (err < 0) {
        return err;
    }
    int waits = may_wait(&s->source) || may_wait(&s->target);
#ifdef PS_HAVE_SPLICE
    s->may_splice = !(timed && waits);
#endif
    /* While splice(2) waits for one end, it has the pipe at the other end locked, and other users
     * of that pipe hang. Therefore it must not be used with somebody else's pipe and an end that
     * may wait. */
    s->direct = !waits && (s->source.is_pipe || s->target.is_pipe);
    return 0;
}

size_t ps_splice_inside(const ps_splice *s) {
    return s->in_memory + s->in_pipe;
}

#ifdef PS_HAVE_SPLICE

static ssize_t splice_once(int from, int to, size_t len) {
    return result(splice(from, NULL, to, NULL, len, SPLICE_F_NONBLOCK | SPLICE_F_MOVE));
}

/* Open the pipe where it is not open yet. Returns 1, or 0 where there is no pipe, or only a small
 * one, which is slower than copying. The kernel gives small pipes to a user who has many. */
static int open_pipe(ps_splice *s) {
    if (s->pipe[0] >= 0) {
        return 1;
    }
    if (pipe2(s->pipe, O_CLOEXEC | O_NONBLOCK) < 0) {
        s->pipe[0] = s->pipe[1] = -1;
        return 0;
    }
    int capacity = fcntl(s->pipe[1], F_SETPIPE_SZ, PS_SPLICE_PIPE);
    if (capacity < 0) {
        capacity = fcntl(s->pipe[1], F_GETPIPE_SZ);
    }
    if (capacity < PS_SPLICE_ROOM) {
        ps_splice_close(s);
        return 0;
    }
    s->capacity = (size_t)capacity;
    return 1;
}

#else

static ssize_t splice_once(int from, int to, size_t len) {
    (void)from, (void)to, (void)len;
    return -ENOSYS;
}

static int open_pipe(ps_splice *s) {
    (void)s;
    return 0;
}

#endif

/* Whether the error may say that the kernel cannot splice these two descriptors, or that a seccomp
 * filter forbids it. If it has another cause, the copy that follows fails with the same error. */
static int cannot_splice(ssize_t n) {
    return n == -EINVAL || n == -ENOSYS || n == -EPERM || n == -EOPNOTSUPP;
}

/* Whether the caller has to poll(2) this end before a system call. It has to where the call may not
 * wait, but read(2) and write(2) would: they have no MSG_DONTWAIT. */
static int must_be_polled(const ps_splice *s, const ps_end *end) {
    return s->timed && end->blocks && !end->is_socket && !end->is_file && !end->ready;
}

static size_t bytes_to_read(const ps_splice *s, size_t most) {
    return s->left < (int64_t)most ? (size_t)s->left : most;
}

static void count_read(ps_splice *s, ssize_t n) {
    if (s->left < INT64_MAX) {
        s->left -= n;
    }
}

static ssize_t copy_in(ps_splice *s) {
    size_t len = bytes_to_read(s, PS_SPLICE_ROOM);
    int fd = *s->source.fd_ptr;
    s->waits_for = PS_SPLICE_SOURCE;
    if (must_be_polled(s, &s->source)) {
        return -EAGAIN;
    }
    ssize_t n = result(s->source.is_socket ? recv(fd, s->memory, len, s->timed ? MSG_DONTWAIT : 0)
                                           : read(fd, s->memory, len));
    if (n > 0) {
        s->at = 0;
        s->in_memory = (size_t)n;
        s->copied += n;
        count_read(s, n);
    }
    return n;
}

static ssize_t copy_out(ps_splice *s) {
    size_t len = s->in_memory;
    int fd = *s->target.fd_ptr;
    s->waits_for = PS_SPLICE_TARGET;
    if (must_be_polled(s, &s->target)) {
        return -EAGAIN;
    }
    if (s->timed && s->target.blocks && !s->target.is_socket && !s->target.is_file) {
        len = ps_min(len, PIPE_BUF); /* a pipe has room for so much when poll(2) reports POLLOUT */
    }
    const char *from = s->memory + s->at;
    ssize_t n = result(s->target.is_socket ? send(fd, from, len, s->timed ? MSG_DONTWAIT : 0)
                                           : write(fd, from, len));
    if (n > 0) {
        s->at += (size_t)n;
        s->in_memory -= (size_t)n;
        s->moved += n;
    }
    return n;
}

/* Read from the source, into our own pipe or into memory. Where splices are direct, this also
 * writes to the target. */
static ssize_t read_source(ps_splice *s) {
    int splices = s->may_splice && (s->direct || s->copied >= PS_SPLICE_ROOM);
    if (splices && !s->direct && !open_pipe(s)) {
        s->may_splice = splices = 0;
    }
    if (!splices) {
        return copy_in(s);
    }
    size_t most = s->direct ? PS_SPLICE_PIPE : s->capacity;
    int to = s->direct ? *s->target.fd_ptr : s->pipe[1];
    ssize_t n = splice_once(*s->source.fd_ptr, to, bytes_to_read(s, most));
    if (n > 0) {
        count_read(s, n);
        if (s->direct) {
            s->moved += n;
        } else {
            s->in_pipe = (size_t)n;
        }
        return n;
    }
    s->waits_for = s->direct ? PS_SPLICE_SOURCE | PS_SPLICE_TARGET : PS_SPLICE_SOURCE;
    if (cannot_splice(n)) {
        s->may_splice = 0;
        return copy_in(s);
    }
    /* Where TCP urgent data is next in the stream, splice(2) returns 0 as at the end, or EAGAIN
     * although poll(2) reports POLLIN. recv(2) skips urgent data, and so returns what is right. */
    if (n == 0 ? !s->source.is_pipe : n == -EAGAIN && s->source.ready) {
        return copy_in(s);
    }
    return n;
}

/* Write to the target what is inside. */
static ssize_t write_target(ps_splice *s) {
    if (s->in_memory == 0 && s->may_splice) {
        ssize_t n = splice_once(s->pipe[0], *s->target.fd_ptr, s->in_pipe);
        s->waits_for = PS_SPLICE_TARGET;
        if (n > 0) {
            s->in_pipe -= (size_t)n;
            s->moved += n;
        }
        if (!cannot_splice(n)) {
            return n;
        }
        s->may_splice = 0;
    }
    if (s->in_memory == 0) {
        ssize_t n = result(read(s->pipe[0], s->memory, ps_min(s->in_pipe, PS_SPLICE_ROOM)));
        if (n <= 0) {
            return n < 0 ? n : -EIO;
        }
        s->at = 0;
        s->in_memory = (size_t)n;
        s->in_pipe -= (size_t)n;
    }
    return copy_out(s);
}

/* Make the next system call. */
static ssize_t step(ps_splice *s) {
    ssize_t n;
    if (ps_splice_inside(s) > 0) {
        n = write_target(s);
        s->target.ready = 0;
        return n == 0 ? -EIO : n; /* a write of 0 bytes would be repeated for ever */
    }
    if (s->left == 0) {
        return 0;
    }
    n = read_source(s);
    s->source.ready = s->target.ready = 0;
    return n;
}

ssize_t ps_splice_steps(ps_splice *s, int64_t until, int once) {
    ssize_t n;
    do {
        n = step(s);
    } while (n > 0 && !once &&
             (ps_splice_inside(s) > 0 || until == INT64_MAX || ps_clock() < until));
    return n;
}

int ps_splice_drain(ps_splice *s, char *to) {
    memcpy(to, s->memory + s->at, s->in_memory);
    to += s->in_memory;
    s->in_memory = 0;
    while (s->in_pipe > 0) {
        ssize_t n = read(s->pipe[0], to, s->in_pipe);
        if (n <= 0) {
            return n < 0 ? -errno : -EIO;
        }
        to += n;
        s->in_pipe -= (size_t)n;
    }
    return 0;
}

void ps_splice_close(ps_splice *s) {
    for (int i = 0; i < 2; i++) {
        if (s->pipe[i] >= 0) {
            close(s->pipe[i]);
            s->pipe[i] = -1;
        }
    }
}

void ps_splice_pause(void) {
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}
