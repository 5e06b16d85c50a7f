/* Sending and receiving many datagrams by one system call.
 *
 * A ps_inbox receives into slots of one arena. A ps_outbox sends pieces, which may be anywhere in
 * memory. ps_recv_batch and ps_send_batch have the signature of ps_transfer, with io->buf pointing
 * to the inbox or the outbox, so that the caller's retry loop for one datagram works for batches,
 * too.
 */
#ifndef PS_BATCH_H
#define PS_BATCH_H

#include "ps_addr.h"
#include "ps_io.h"
#include "ps_sys.h"

enum {
#ifdef PS_HAVE_MMSG
    PS_BATCH = 64, /* messages of one system call */
#else
    PS_BATCH = 1,
#endif
    PS_LINE = 64,           /* bytes of a cache line */
    PS_SEGMENTS = 64,       /* datagrams of one message: UDP_MAX_SEGMENTS of kernels before 6.9 */
    PS_MAX_JOINED = 65507,  /* bytes of these datagrams: 65,535 less the IPv4 and UDP headers */
    PS_MAX_UDP = 65535,     /* bytes that one receive from a UDP socket may return */
    PS_IOVECS = UIO_MAXIOV, /* iovecs of all messages of one send */
    PS_CONTROL = 512,       /* bytes of control data: twice what all kinds of ps_meta.h need */
};

/* The flags of send(2) that do the same for a batch as for each datagram of it. */
#define PS_BATCH_SEND_FLAGS (MSG_CONFIRM | MSG_DONTROUTE | MSG_DONTWAIT | MSG_EOR | MSG_NOSIGNAL)

#ifdef PS_HAVE_MMSG
typedef struct mmsghdr ps_mmsghdr;
#else
typedef struct ps_mmsghdr {
    struct msghdr msg_hdr;
    unsigned msg_len;
} ps_mmsghdr;
#endif

PS_OFFSET(ps_mmsghdr, msg_len, 28, 56);
PS_SIZE(ps_mmsghdr, 32, 64);

/* Receiving */

typedef struct ps_inbox {
    size_t slots;  /* number of slots; a slot has room for one message */
    size_t room;   /* bytes of a slot */
    size_t wanted; /* how many messages to receive at most; 0 is as many as there are slots */
    size_t came;   /* messages that the last receive returned */
    size_t bytes;  /* the sum of their lengths */
    size_t told;   /* how many of them have control data */
    int family;    /* the socket's family: control data of AF_UNIX may have descriptors */
    char *arena;   /* the caller's memory, slots * room bytes */
    ps_mmsghdr *headers;
    struct iovec *iov;
    ps_sockaddr *names;
    char *control;
} ps_inbox;

PS_OFFSET(ps_inbox, told, 20, 40);
PS_OFFSET(ps_inbox, family, 24, 48);
PS_OFFSET(ps_inbox, headers, 32, 64);
PS_OFFSET(ps_inbox, names, 40, 80);
PS_SIZE(ps_inbox, 48, 96);

/* The first address in memory that begins a cache line. The memory must have PS_LINE bytes more
 * than the arena needs. A large block of malloc() begins 16 bytes after the start of a page. On
 * some processors the kernel's copy with `rep movsb` is three times as slow when its source begins
 * a page and its target is at a slightly higher offset in a page. */
static inline char *ps_aligned(char *memory) {
    return memory + (PS_LINE - (uintptr_t)memory % PS_LINE) % PS_LINE;
}

/* Make an inbox, and allocate all its memory except the arena. Returns 0 or -ENOMEM. */
int ps_inbox_init(ps_inbox *inbox, size_t slots);
void ps_inbox_free(ps_inbox *inbox);

/* Divide an arena of size bytes into the slots, room bytes each. Returns 0, or -EINVAL where the
 * arena is too small. No other function but the next one sets the memory that a receive writes to.
 */
int ps_inbox_lay(ps_inbox *inbox, void *arena, size_t size, size_t room);

/* Let slot i use other memory, of size bytes, until the next ps_inbox_lay. Returns 0, or -EINVAL
 * where there is no slot i, or size is less than a slot's bytes. */
int ps_inbox_place(ps_inbox *inbox, size_t i, void *memory, size_t size);

/* Receive the next message and those that are in the receive queue behind it (recvmmsg(2) with
 * MSG_WAITFORONE). Returns the number of messages. */
ssize_t ps_recv_batch(int fd, ps_io *io, int flags);

/* A received message: one datagram, or several that UDP_GRO has joined. They are at data, one after
 * the other, and have len bytes together. Each has segment bytes, except that the last may have
 * fewer. */
typedef struct ps_arrival {
    char *data;
    size_t len;
    size_t segment;   /* equal to len where the kernel joined nothing */
    size_t datagrams; /* 1 for an empty datagram, too */
    int truncated;    /* the message was longer than its slot */
    int control_truncated;
    const ps_sockaddr *name;
    socklen_t namelen;
} ps_arrival;

PS_OFFSET(ps_arrival, datagrams, 12, 24);
PS_OFFSET(ps_arrival, control_truncated, 20, 36);
PS_OFFSET(ps_arrival, namelen, 28, 48);
PS_SIZE(ps_arrival, 32, 56);

/* Describe message i of the last receive. Returns 0, or -EINVAL where it has no message i. */
int ps_inbox_arrival(const ps_inbox *inbox, size_t i, ps_arrival *arrival);

/* Sending */

/* Memory to send to one peer. Where segment is 0, this is one datagram of len bytes. Else it is as
 * many datagrams of segment bytes as len has, and a shorter one of the rest. */
typedef struct ps_piece {
    const char *data;
    size_t len;
    size_t segment;
    const ps_sockaddr *name; /* NULL where the socket is connected */
    socklen_t namelen;
} ps_piece;

PS_OFFSET(ps_piece, segment, 8, 16);
PS_OFFSET(ps_piece, namelen, 16, 32);
PS_SIZE(ps_piece, 20, 40);

typedef struct ps_position {
    size_t piece;  /* the index of the piece with the next datagram */
    size_t offset; /* where that datagram begins in the piece */
} ps_position;

typedef struct ps_outbox {
    const volatile int *fd_ptr; /* the socket's descriptor, -1 after its owner has closed it */
    const ps_piece *pieces;
    size_t count;
    ps_position at;   /* where the next send begins; at.piece == count after the last one */
    size_t segments;  /* how many datagrams a message may have; 1 without GSO */
    size_t sent;      /* datagrams that the kernel has accepted */
    size_t bytes;     /* the bytes of these datagrams */
    int one_by_one;   /* use sendmsg(2): sendmmsg(2) drops an error after the first message */
    int refused;      /* the kernel refused a GSO message, but accepted its datagrams alone */
    int error;        /* errno of the last send that failed */
    int gso_error;    /* errno of a GSO message, while its datagrams are sent one by one */
    int next_error;   /* errno after a part was sent: the result of the next call */
    size_t ungrouped; /* how many datagrams of a refused GSO message are still to be sent */
    struct {
        ps_position end; /* where the next message begins */
        size_t datagrams;
        size_t bytes;
    } plan[PS_BATCH];
    ps_mmsghdr headers[PS_BATCH];
    struct iovec iov[PS_IOVECS];
    union {
        struct cmsghdr header; /* for its alignment */
        char bytes[CMSG_SPACE(sizeof(uint16_t))];
    } control[PS_BATCH];
} ps_outbox;

PS_OFFSET(ps_outbox, at, 12, 24);
PS_OFFSET(ps_outbox, bytes, 28, 56);
PS_OFFSET(ps_outbox, error, 40, 72);
PS_SIZE(ps_outbox, 56 + PS_BATCH * (16 + 32 + 16) + PS_IOVECS * 8,
        96 + PS_BATCH * (32 + 64 + 24) + PS_IOVECS * 16);

void ps_outbox_init(ps_outbox *outbox, const int *fd_ptr, const ps_piece *pieces, size_t count,
                    size_t segments);

/* Send the next datagrams, in order, by one system call or by several. Returns how many the kernel
 * has accepted: 0 only when none was left.
 *
 * Up to outbox->segments datagrams of equal size to one peer are sent as one GSO message. The
 * kernel fails with EIO, EINVAL or EMSGSIZE where the route cannot have one. Then its datagrams are
 * sent again at once, one by one. Where that succeeds after EIO or EINVAL, this outbox sends no
 * more GSO messages. The first system call uses fd. Every later one reads *outbox->fd_ptr, so that
 * it does not use a descriptor that was closed meanwhile and given to another file. */
ssize_t ps_send_batch(int fd, ps_io *io, int flags);

#endif
