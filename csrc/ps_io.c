#include "ps_io.h"

#include <stdbool.h>

#ifdef PS_HAVE_LINUX_SENDFILE
#include <sys/sendfile.h>
#endif

static ssize_t result(ssize_t n) {
    return n < 0 ? -errno : n;
}

ssize_t ps_recv(int fd, ps_io *io, int flags) {
    return result(recv(fd, io->buf, io->len, flags));
}

ssize_t ps_recvfrom(int fd, ps_io *io, int flags) {
    io->namelen = sizeof io->name->storage;
    return result(recvfrom(fd, io->buf, io->len, flags, &io->name->sa, &io->namelen));
}

ssize_t ps_recvmsg(int fd, ps_io *io, int flags) {
    return result(recvmsg(fd, io->msg, flags));
}

ssize_t ps_send(int fd, ps_io *io, int flags) {
    return result(send(fd, io->buf, io->len, flags));
}

ssize_t ps_sendto(int fd, ps_io *io, int flags) {
    const struct sockaddr *to = io->name != NULL ? &io->name->sa : NULL;
    return result(sendto(fd, io->buf, io->len, flags, to, io->namelen));
}

ssize_t ps_sendmsg(int fd, ps_io *io, int flags) {
    return result(sendmsg(fd, io->msg, flags));
}

#ifdef PS_HAVE_LINUX_SENDFILE

ssize_t ps_sendfile(int fd, ps_io *io, int flags) {
    (void)flags;
    off_t offset = io->file_offset;
    ssize_t n = result(sendfile(fd, io->file, &offset, io->len));
    io->file_offset = offset;
    return n;
}

#else

ssize_t ps_sendfile(int fd, ps_io *io, int flags) {
    (void)fd, (void)io, (void)flags;
    return -ENOSYS;
}

#endif

void ps_io_advance(ps_io *io, size_t n) {
    io->len -= n;
    io->name = NULL;
    io->namelen = 0;
    if (io->msg == NULL) {
        io->buf = (char *)io->buf + n;
        return;
    }
    struct msghdr *msg = io->msg;
    msg->msg_name = NULL;
    msg->msg_namelen = 0;
    msg->msg_control = NULL;
    msg->msg_controllen = 0;
    while (msg->msg_iovlen > 0 && n >= msg->msg_iov->iov_len) {
        n -= msg->msg_iov->iov_len;
        msg->msg_iov++;
        msg->msg_iovlen--;
    }
    if (n > 0) {
        msg->msg_iov->iov_base = (char *)msg->msg_iov->iov_base + n;
        msg->msg_iov->iov_len -= n;
    }
}

size_t ps_gather(ps_io *io, struct msghdr *msg, struct iovec *iov, size_t count, char *room,
                 size_t room_size) {
    size_t iovs = 0, used = 0, done;
    bool copying = false; /* the last iovec is in room: the next copy makes it longer */
    io->len = 0;
    for (done = 0; done < count; done++) {
        const struct iovec from = iov[done];
        if (from.iov_len == 0) {
            continue;
        }
        bool copied = from.iov_len <= PS_MAX_COPIED;
        if ((copied && from.iov_len > room_size - used) ||
            (!(copied && copying) && iovs == PS_MAX_IOV)) {
            break;
        }
        if (copied) {
            memcpy(room + used, from.iov_base, from.iov_len);
            used += from.iov_len;
        }
        if (copied && copying) {
            iov[iovs - 1].iov_len += from.iov_len;
        } else {
            iov[iovs].iov_base = copied ? room + used - from.iov_len : from.iov_base;
            iov[iovs++].iov_len = from.iov_len;
        }
        copying = copied;
        io->len += from.iov_len;
    }
    memset(msg, 0, sizeof *msg);
    msg->msg_iov = iov;
    msg->msg_iovlen = (ps_iovlen)iovs;
    io->msg = iovs == 1 ? NULL : msg;
    io->buf = iov->iov_base;
    io->likely = io->len;
    return done;
}
