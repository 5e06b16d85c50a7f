/* One function per transfer system call, all of one shape.
 *
 * A ps_io says what to transfer; a ps_transfer does it once and returns the
 * number of bytes or -errno. One shape lets the retry loop above be one loop.
 */
#ifndef PS_IO_H
#define PS_IO_H

#include "ps_addr.h"
#include "ps_sys.h"

typedef struct ps_io {
    void *buf;          /* first byte to send, or where the first one goes */
    size_t len;         /* bytes in buf; for messages the sum over msg's iovecs */
    size_t likely;      /* bytes that will probably move: len, or fewer for a large receive */
    ps_sockaddr *name;  /* peer: read by sends, written by receives; may be NULL */
    socklen_t namelen;  /* valid bytes of name */
    struct msghdr *msg; /* sendmsg and recvmsg only */
    int file;           /* sendfile only: what to read from, */
    off_t file_offset;  /* and from where; moves on with what was sent */
    int flags;          /* the caller's MSG_* */
} ps_io;

typedef ssize_t (*ps_transfer)(int fd, ps_io *io, int flags);

ssize_t ps_recv(int fd, ps_io *io, int flags);
ssize_t ps_recvfrom(int fd, ps_io *io, int flags);
ssize_t ps_recvmsg(int fd, ps_io *io, int flags);
ssize_t ps_send(int fd, ps_io *io, int flags);
ssize_t ps_sendto(int fd, ps_io *io, int flags);
ssize_t ps_sendmsg(int fd, ps_io *io, int flags);
ssize_t ps_sendfile(int fd, ps_io *io, int flags); /* no flags: never to be tried */

/* Step over the first n bytes, which were sent. Control data and the peer's
 * name went with them and must not go twice. */
void ps_io_advance(ps_io *io, size_t n);

/* Make io the next part of many buffers: of the count at iov, which it uses up and writes over.
 *
 * Small buffers are copied into room, one after the other, and go as one: of them the kernel needs
 * longer to read an iovec than to copy. io gets buf where one piece is all, msg's iovecs else, and
 * len; empty buffers are left out, so len is 0 where there are no others. Returns how many buffers
 * were taken. */
size_t ps_gather(ps_io *io, struct msghdr *msg, struct iovec *iov, size_t count, char *room,
                 size_t room_size);

#define PS_IOV_MOST UIO_MAXIOV /* the kernel refuses more */
#define PS_COPIED_MOST 1536    /* bytes of a buffer that is copied: measured */

/* Flags under which a try with MSG_DONTWAIT means what the blocking call means.
 * Any other flag (MSG_WAITALL, MSG_OOB, MSG_ERRQUEUE, MSG_FASTOPEN ...) does not. */
#define PS_TRYABLE_FLAGS                                                                           \
    (MSG_PEEK | MSG_DONTWAIT | MSG_DONTROUTE | MSG_EOR | MSG_NOSIGNAL | MSG_MORE | MSG_CONFIRM |   \
     MSG_CMSG_CLOEXEC)

/* The flags of a ps_io whose system call has no MSG_DONTWAIT, so that it is never tried. */
#define PS_NO_DONTWAIT MSG_WAITALL

#endif
