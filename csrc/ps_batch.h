/* Many datagrams by one system call.
 *
 * A ps_inbox receives into slots of one arena; a ps_outbox sends pieces of anybody's memory. Both
 * are driven by functions of ps_transfer's shape, so that the retry loop above is the one it is for
 * a single datagram: io->buf points to the inbox or the outbox.
 */
#ifndef PS_BATCH_H
#define PS_BATCH_H

#include "ps_addr.h"
#include "ps_io.h"
#include "ps_sys.h"

enum {
#ifdef PS_HAVE_MMSG
    PS_BATCH = 64, /* messages by one system call */
#else
    PS_BATCH = 1,
#endif
    PS_LINE = 64,           /* bytes of a cache line */
    PS_SEGMENTS = 64,       /* datagrams by one message: UDP_MAX_SEGMENTS of linux/udp.h */
    PS_JOINED_MOST = 65507, /* their bytes: 65,535 less the headers of IPv4 and UDP */
    PS_UDP_MOST = 65535,    /* bytes of what a UDP socket hands over, joined or not */
    PS_IOVECS = UIO_MAXIOV, /* of one message */
    PS_CONTROL = 512,       /* control data of a message: all of ps_meta.h's kinds at once, twice */
};

/* Flags of a send that mean the same for many datagrams as for each of them. */
#define PS_BATCH_SEND_FLAGS (MSG_CONFIRM | MSG_DONTROUTE | MSG_DONTWAIT | MSG_EOR | MSG_NOSIGNAL)

#ifdef PS_HAVE_MMSG
typedef struct mmsghdr ps_mmsghdr;
#else
typedef struct ps_mmsghdr {
    struct msghdr msg_hdr;
    unsigned msg_len;
} ps_mmsghdr;
#endif

/* Receiving */

typedef struct ps_inbox {
    size_t slots;  /* messages that there is room for */
    size_t room;   /* bytes that there are for each */
    size_t wanted; /* messages to ask for, at most slots; 0 asks for all */
    size_t came;   /* messages that the last receive brought */
    size_t bytes;  /* of them, together */
    size_t told;   /* messages among them that control data came with */
    int family;    /* of the socket: control data of AF_UNIX may hold descriptors */
    char *arena;   /* slots * room bytes, the owner's */
    ps_mmsghdr *headers;
    struct iovec *iov;
    ps_sockaddr *names;
    char *control;
} ps_inbox;

/* Where to lay an arena in memory that has PS_LINE bytes more than it needs. What malloc() maps
 * begins 16 bytes into a page, and there the copies of kernels that use `rep movsb` take three
 * times as long on some processors: their source begins a page, and the target follows closely
 * behind. */
static inline char *ps_aligned(char *memory) {
    return memory + (PS_LINE - (uintptr_t)memory % PS_LINE) % PS_LINE;
}

/* Make an inbox with its own memory for everything but the arena: 0, or -ENOMEM. */
int ps_inbox_init(ps_inbox *inbox, size_t slots);
void ps_inbox_free(ps_inbox *inbox);

/* Lay the slots over an arena of size bytes, room bytes each: 0, or -EINVAL where they do not fit.
 * This and the next are the only places that say where a receive may write. */
int ps_inbox_lay(ps_inbox *inbox, void *arena, size_t size, size_t room);

/* Let slot i be other memory, of size bytes, until the slots are laid again: 0, or -EINVAL where
 * there is no such slot, or the memory is less than its room. */
int ps_inbox_place(ps_inbox *inbox, size_t i, void *memory, size_t size);

/* Wait for one message, take what else is there (recvmmsg(2)): the number of messages. */
ssize_t ps_recv_batch(int fd, ps_io *io, int flags);

/* One message of those that came, bounds checked: its datagrams lie at data, each segment bytes
 * long but the last, which may be shorter; len bytes together. */
typedef struct ps_arrival {
    char *data;
    size_t len;
    size_t segment;   /* len where the kernel joined nothing */
    size_t datagrams; /* 1 for an empty one */
    int truncated;    /* the message was longer than the room for it */
    int control_truncated;
    const ps_sockaddr *name;
    socklen_t namelen;
} ps_arrival;

/* 0, or -EINVAL where i is not below inbox->came. */
int ps_inbox_arrival(const ps_inbox *inbox, size_t i, ps_arrival *arrival);

/* Sending */

/* Memory to send to one peer: one datagram of len bytes, or where segment is above 0 as many as it
 * takes of segment bytes each, the last one of what is left. */
typedef struct ps_piece {
    const char *data;
    size_t len;
    size_t segment;
    const ps_sockaddr *name; /* NULL: the socket is connected */
    socklen_t namelen;
} ps_piece;

typedef struct ps_place {
    size_t piece;  /* the next datagram is in this piece */
    size_t offset; /* and begins at this byte of it */
} ps_place;

typedef struct ps_outbox {
    const volatile int *place; /* where the descriptor's number stands: its owner writes -1 there */
    const ps_piece *pieces;
    size_t count;
    ps_place at;     /* where the next send begins: at.piece == count when all is sent */
    size_t segments; /* datagrams that one message may carry: 1 without GSO */
    size_t sent;     /* datagrams that went out */
    size_t bytes;    /* and their bytes */
    int one_by_one;  /* a system call a message: sendmmsg(2) loses an error that comes after some */
    int refused;     /* GSO was refused for what went out without it: no more of it here */
    int error;       /* errno of the last call that failed */
    int doubt;       /* errno with which a GSO message was refused, not yet sent otherwise */
    int held;        /* errno of a message after others that went out: the next call's answer */
    size_t alone;    /* so many datagrams go one a message, after a refusal */
    struct {
        ps_place end; /* behind the message */
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

void ps_outbox_init(ps_outbox *outbox, const int *place, const ps_piece *pieces, size_t count,
                    size_t segments);

/* Send some of what is left, in order: the number of datagrams, above 0 unless nothing was left.
 *
 * Equal-sized datagrams to one peer go as one message where outbox->segments allows. A message
 * that is refused for that (EIO, EINVAL, EMSGSIZE) goes out again at once, datagram by datagram;
 * with the first two, and if it then could be sent, the socket gets no more of them. fd is for the
 * first system call; for every other one the number is read anew. */
ssize_t ps_send_batch(int fd, ps_io *io, int flags);

#endif
