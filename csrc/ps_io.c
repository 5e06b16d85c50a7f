#include "ps_io.h"

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
    return result(sendfile(fd, io->file, &io->file_offset, io->len));
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
