/* The life of a descriptor: made, named, connected, accepted, configured, closed.
 *
 * Every function is one system call (two where the system lacks the joined form) and returns
 * n >= 0 or -errno. Every descriptor is made close-on-exec (PEP 446).
 */
#ifndef PS_SOCKET_H
#define PS_SOCKET_H

#include "ps_addr.h"
#include "ps_io.h"
#include "ps_sys.h"

int ps_socket(int family, int type, int proto);
int ps_socketpair(int family, int type, int proto, int fds[2]);
ssize_t ps_accept(int fd, ps_io *io, int flags); /* a ps_transfer: the descriptor; io->name the peer */
int ps_bind(int fd, const ps_sockaddr *addr, socklen_t len);
int ps_connect(int fd, const ps_sockaddr *addr, socklen_t len);
int ps_listen(int fd, int backlog);
int ps_shutdown(int fd, int how);
int ps_close(int fd);
int ps_getsockname(int fd, ps_sockaddr *addr, socklen_t *len);
int ps_getpeername(int fd, ps_sockaddr *addr, socklen_t *len);
int ps_getsockopt(int fd, int level, int option, void *value, socklen_t *len);
int ps_setsockopt(int fd, int level, int option, const void *value, socklen_t len);

/* Set or clear O_NONBLOCK, by the one system call that needs no look at the other flags. */
int ps_set_blocking(int fd, int blocking);

/* What SO_ERROR holds, which reading clears: 0, or -errno. */
int ps_pending_error(int fd);

/* Who is at the other end of an AF_UNIX connection. */
typedef struct ps_peer {
    pid_t pid;
    uid_t uid;
    gid_t gid;
} ps_peer;

/* Read SO_PEERCRED: 0, -ENOTCONN where there is no peer, -EOPNOTSUPP where the kernel does not know
 * it (another family, a datagram socket that was connected), -ENOPROTOOPT where it has no such
 * option. The kernel itself answers for all of them: with nobody, or with a listener's own. */
int ps_peercred(int fd, ps_peer *peer);

#endif
