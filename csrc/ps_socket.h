/* The system calls that create, bind, connect, accept, configure and close a socket.
 *
 * Every function returns n >= 0 or -errno. Every new descriptor is close-on-exec (PEP 446): that
 * takes a second system call only where the system has no SOCK_CLOEXEC.
 */
#ifndef PS_SOCKET_H
#define PS_SOCKET_H

#include "ps_addr.h"
#include "ps_io.h"
#include "ps_sys.h"

#include <netinet/tcp.h>

int ps_socket(int family, int type, int proto);
int ps_socketpair(int family, int type, int proto, int fds[2]);

/* A ps_transfer: stores the peer's address in *io->name, and returns the new descriptor or -errno.
 */
ssize_t ps_accept(int fd, ps_io *io, int flags);

/* The same, and the new descriptor is non-blocking. */
ssize_t ps_accept_nonblocking(int fd, ps_io *io, int flags);

int ps_bind(int fd, const ps_sockaddr *addr, socklen_t len);
int ps_connect(int fd, const ps_sockaddr *addr, socklen_t len);
int ps_listen(int fd, int backlog);
int ps_shutdown(int fd, int how);
int ps_close(int fd);
int ps_getsockname(int fd, ps_sockaddr *addr, socklen_t *len);
int ps_getpeername(int fd, ps_sockaddr *addr, socklen_t *len);
int ps_getsockopt(int fd, int level, int option, void *value, socklen_t *len);
int ps_setsockopt(int fd, int level, int option, const void *value, socklen_t len);

/* Set or clear O_NONBLOCK with ioctl(2), which needs one system call. fcntl(2) would need two,
 * because it sets all flags. */
int ps_set_blocking(int fd, int blocking);

/* Read SO_ERROR, which also clears it. Returns 0, or the pending error as -errno. */
int ps_pending_error(int fd);

/* The credentials of the peer of an AF_UNIX connection. */
typedef struct ps_peer {
    pid_t pid;
    uid_t uid;
    gid_t gid;
} ps_peer;

PS_OFFSET(ps_peer, gid, 8, 8);
PS_SIZE(ps_peer, 12, 12);

/* Read SO_PEERCRED. Returns 0, -ENOTCONN where there is no peer, -EOPNOTSUPP where the kernel does
 * not know the peer's credentials (another family, a connected datagram socket), or -ENOPROTOOPT
 * where the system has no such option. getsockopt(2) alone is not enough, because it succeeds in
 * all these cases: with a uid of -1, or on a listening socket with the credentials of its own
 * process. */
int ps_peercred(int fd, ps_peer *peer);

#endif
