#include "ps_socket.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/ioctl.h>

static int result(int n) {
    return n < 0 ? -errno : n;
}

#ifdef PS_HAVE_SOCK_CLOEXEC

int ps_socket(int family, int type, int proto) {
    return result(socket(family, type | SOCK_CLOEXEC, proto));
}

int ps_socketpair(int family, int type, int proto, int fds[2]) {
    return result(socketpair(family, type | SOCK_CLOEXEC, proto, fds));
}

#else

static int close_on_exec(int fd) {
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0) {
        return fd;
    }
    int err = errno;
    close(fd);
    return -err;
}

int ps_socket(int family, int type, int proto) {
    int fd = socket(family, type, proto);
    return fd < 0 ? -errno : close_on_exec(fd);
}

int ps_socketpair(int family, int type, int proto, int fds[2]) {
    if (socketpair(family, type, proto, fds) < 0) {
        return -errno;
    }
    int err = close_on_exec(fds[0]);
    if (err < 0) {
        close(fds[1]);
        return err;
    }
    err = close_on_exec(fds[1]);
    if (err < 0) {
        close(fds[0]);
        return err;
    }
    return 0;
}

#endif

static ssize_t accept_with(int fd, ps_io *io, bool blocking) {
    io->namelen = sizeof io->name->storage;
#ifdef PS_HAVE_ACCEPT4
    return result(
        accept4(fd, &io->name->sa, &io->namelen, SOCK_CLOEXEC | (blocking ? 0 : SOCK_NONBLOCK)));
#else
    int accepted = accept(fd, &io->name->sa, &io->namelen);
    if (accepted < 0) {
        return -errno;
    }
    accepted = close_on_exec(accepted);
    if (accepted >= 0 && !blocking) {
        int n = ps_set_blocking(accepted, 0);
        if (n < 0) {
            ps_close(accepted);
            return n;
        }
    }
    return accepted;
#endif
}

ssize_t ps_accept(int fd, ps_io *io, int flags) {
    (void)flags; /* accept(2) has no flags */
    return accept_with(fd, io, true);
}

ssize_t ps_accept_nonblocking(int fd, ps_io *io, int flags) {
    (void)flags;
    return accept_with(fd, io, false);
}

int ps_bind(int fd, const ps_sockaddr *addr, socklen_t len) {
    return result(bind(fd, &addr->sa, len));
}

int ps_connect(int fd, const ps_sockaddr *addr, socklen_t len) {
    return result(connect(fd, &addr->sa, len));
}

int ps_listen(int fd, int backlog) {
    return result(listen(fd, backlog));
}

int ps_shutdown(int fd, int how) {
    return result(shutdown(fd, how));
}

int ps_close(int fd) {
    return result(close(fd));
}

int ps_getsockname(int fd, ps_sockaddr *addr, socklen_t *len) {
    *len = sizeof addr->storage;
    return result(getsockname(fd, &addr->sa, len));
}

int ps_getpeername(int fd, ps_sockaddr *addr, socklen_t *len) {
    *len = sizeof addr->storage;
    return result(getpeername(fd, &addr->sa, len));
}

int ps_getsockopt(int fd, int level, int option, void *value, socklen_t *len) {
    return result(getsockopt(fd, level, option, value, len));
}

int ps_setsockopt(int fd, int level, int option, const void *value, socklen_t len) {
    return result(setsockopt(fd, level, option, value, len));
}

int ps_set_blocking(int fd, int blocking) {
    int on = !blocking;
    return result(ioctl(fd, FIONBIO, &on));
}

int ps_pending_error(int fd) {
    int err = 0;
    socklen_t len = sizeof err;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0 ? -errno : -err;
}

#ifdef PS_HAVE_PEERCRED

static int read_option(int fd, int name, void *value, socklen_t len) {
    return result(getsockopt(fd, SOL_SOCKET, name, value, &len));
}

int ps_peercred(int fd, ps_peer *peer) {
    struct ucred cred;
    int family = 0, listens = 0;
    ps_sockaddr name;
    socklen_t len;
    int err = read_option(fd, SO_PEERCRED, &cred, sizeof cred);
    if (err == 0) {
        err = read_option(fd, SO_DOMAIN, &family, sizeof family);
    }
    if (err == 0) {
        err = read_option(fd, SO_ACCEPTCONN, &listens, sizeof listens);
    }
    if (err < 0) {
        return err;
    }
    if (family != AF_UNIX) {
        return -EOPNOTSUPP;
    }
    if (listens) {
        return -ENOTCONN;
    }
    if (cred.uid == (uid_t)-1 && cred.gid == (gid_t)-1) { /* the kernel has no credentials */
        err = ps_getpeername(fd, &name, &len);
        return err < 0 ? err : -EOPNOTSUPP;
    }
    *peer = (ps_peer){.pid = cred.pid, .uid = cred.uid, .gid = cred.gid};
    return 0;
}

#else

int ps_peercred(int fd, ps_peer *peer) {
    (void)fd, (void)peer;
    return -ENOPROTOOPT;
}

#endif
