/* Sending without copying (MSG_ZEROCOPY): sends that are counted, and the notices that tell which
 * of them are done. Source: the kernel's Documentation/networking/msg_zerocopy.rst.
 *
 * The kernel numbers a socket's sends in the order in which it does them, modulo 2^32, and says the
 * number to nobody: the sender has to count, and one send that it did not count makes it believe a
 * buffer free that is still being sent from. So what counts here holds a lock over the send and the
 * number, sends without waiting in the kernel (a send that is broken off there takes back the
 * number of another one), and gives up counting, for good, when it can no longer be sure.
 */
#ifndef PS_ZEROCOPY_H
#define PS_ZEROCOPY_H

#include "ps_io.h"
#include "ps_sys.h"

#include <pthread.h>

/* The sends of one socket of the kernel's. */
typedef struct ps_zerocopy {
    pthread_mutex_t lock;
    uint64_t cookie; /* which socket: no other one ever has the same, as a descriptor has */
    uint64_t sends;  /* how many were given a number; the next one gets the lowest 32 bits of it */
    int lost;        /* the kernel's count is not known any more: from now on sends copy */
} ps_zerocopy;

/* The kernel's name for the socket: 0, or -errno (-ENOPROTOOPT, -ENOSYS where it has none). */
int ps_zerocopy_cookie(int fd, uint64_t *cookie);

/* Whether fd is told to send without copying where it is asked to. */
int ps_zerocopy_is_on(int fd);

/* Tell the socket to, and count from here: 1. 0, and nothing done, where it cannot, or was told
 * before: by somebody whose sends have not been counted. */
int ps_zerocopy_init(ps_zerocopy *counter, int fd, uint64_t cookie);
void ps_zerocopy_free(ps_zerocopy *counter);

/* In the child of a fork: the counting, and a lock that some thread may have held, are the
 * parent's. */
void ps_zerocopy_forsake(ps_zerocopy *counter);

/* Numbers from first to last, both included, modulo 2^32. */
typedef struct ps_range {
    uint32_t first;
    uint32_t last;
} ps_range;

/* How many numbers the two have in common; neither may have more than half of all. */
uint32_t ps_range_overlap(ps_range a, ps_range b);

typedef struct ps_zerocopy_send {
    ps_io io;                  /* what ps_send_zerocopy is given */
    const volatile int *place; /* where the descriptor's number stands: its owner writes -1 there */
    ps_zerocopy *counter;
    int is_stream;
    int copies;       /* where the kernel has no memory to pin with: copy, rather than -ENOBUFS */
    int no_memory;    /* set where that was so */
    int numbered;     /* set where anything went out uncopied: */
    ps_range numbers; /* by these sends, and perhaps others' between them */
} ps_zerocopy_send;

/* A ps_transfer for the io of a ps_zerocopy_send, with len above 0. With MSG_DONTWAIT one send.
 * Without it as a blocking send(2) is: all of a stream's bytes, O_NONBLOCK and SO_SNDTIMEO obeyed,
 * and what went out before an error or a signal is the result.
 *
 * Sends by copying where fd is not the socket that is counted, or cannot do without. After a wait
 * the number is read anew. */
ssize_t ps_send_zerocopy(int fd, ps_io *io, int flags);

/* What a message of the error queue says of sends that are done. */
typedef struct ps_notice {
    ps_range numbers;
    int copied; /* the kernel copied after all */
} ps_notice;

/* 1 and *notice, or 0 where msg is somebody else's. */
int ps_notice_parse(const struct msghdr *msg, ps_notice *notice);

/* Whether all those numbers were given to sends that are counted. */
int ps_zerocopy_issued(ps_zerocopy *counter, ps_range numbers);

#endif
