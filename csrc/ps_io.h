/* One function for each transfer system call, all of them with the same signature.
 *
 * A ps_io describes a transfer. A ps_transfer makes one system call for it, and returns the number
 * of bytes or -errno. The common signature lets the caller use one retry loop for all of them.
 */
#ifndef PS_IO_H
#define PS_IO_H

#include "ps_addr.h"
#include "ps_sys.h"

typedef struct ps_io {
    void *buf;           /* the memory to send from or to receive into */
    size_t len;          /* bytes of buf; with msg the sum of its iovecs' lengths */
    size_t likely;       /* bytes that the call is expected to transfer, at most len */
    ps_sockaddr *name;   /* the peer's address: input of a send, output of a receive; may be NULL */
    struct msghdr *msg;  /* for sendmsg and recvmsg; else NULL */
    socklen_t namelen;   /* bytes of name that are valid */
    int64_t file_offset; /* for sendfile: where to read; ps_sendfile adds what was sent */
    int file;            /* for sendfile: the descriptor to read from */
    int flags;           /* MSG_* that the caller was given */
} ps_io;

PS_OFFSET(ps_io, likely, 8, 16);
PS_OFFSET(ps_io, name, 12, 24);
PS_OFFSET(ps_io, msg, 16, 32);
PS_OFFSET(ps_io, namelen, 20, 40);
PS_OFFSET(ps_io, file_offset, 24, 48);
PS_OFFSET(ps_io, file, 32, 56);
PS_OFFSET(ps_io, flags, 36, 60);
PS_SIZE(ps_io, 40, 64);

typedef ssize_t (*ps_transfer)(int fd, ps_io *io, int flags);

ssize_t ps_recv(int fd, ps_io *io, int flags);
ssize_t ps_recvfrom(int fd, ps_io *io, int flags);
ssize_t ps_recvmsg(int fd, ps_io *io, int flags);
ssize_t ps_send(int fd, ps_io *io, int flags);
ssize_t ps_sendto(int fd, ps_io *io, int flags);
ssize_t ps_sendmsg(int fd, ps_io *io, int flags);
ssize_t ps_sendfile(int fd, ps_io *io, int flags); /* ignores flags: sendfile(2) has none */

/* Remove the first n bytes from io after a short write, so that io describes the rest. This also
 * removes the control data and the peer's address, because the kernel has sent them with the first
 * bytes, and must not send them twice. */
void ps_io_advance(ps_io *io, size_t n);

/* Let io describe one send of as many of the count buffers at iov as it can have. Returns how many
 * buffers those are. The function overwrites their entries of iov.
 *
 * Small buffers are copied into room and sent as one iovec, because the kernel needs longer to read
 * an iovec than to copy a small buffer. io->msg is NULL where a single iovec is enough; then
 * io->buf has the bytes. Empty buffers are left out: where all of them are empty, io->len is 0. */
size_t ps_gather(ps_io *io, struct msghdr *msg, struct iovec *iov, size_t count, char *room,
                 size_t room_size);

#define PS_MAX_IOV UIO_MAXIOV /* iovecs of one send: with more the kernel fails with EMSGSIZE */
#define PS_MAX_COPIED 1536    /* ps_gather copies buffers of up to so many bytes: measured */

/* The flags with which a call with MSG_DONTWAIT does the same as the blocking call, except that it
 * does not wait. With any other flag (MSG_WAITALL, MSG_OOB, MSG_ERRQUEUE, MSG_FASTOPEN ...) it may
 * do something else. */
#define PS_TRYABLE_FLAGS                                                                           \
    (MSG_PEEK | MSG_DONTWAIT | MSG_DONTROUTE | MSG_EOR | MSG_NOSIGNAL | MSG_MORE | MSG_CONFIRM |   \
     MSG_CMSG_CLOEXEC)

/* The flags of a ps_io whose system call has no MSG_DONTWAIT. MSG_WAITALL is not in
 * PS_TRYABLE_FLAGS, so the caller does not call it with MSG_DONTWAIT. */
#define PS_NO_DONTWAIT MSG_WAITALL

#endif
