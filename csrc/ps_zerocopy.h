/* Zero-copy sends (MSG_ZEROCOPY): counting them, and parsing the notifications of their completion.
 * Source: the kernel's Documentation/networking/msg_zerocopy.rst.
 *
 * The kernel gives each zero-copy send of a socket a number: 0 for the first one, modulo 2^32. A
 * notification has these numbers, but send(2) does not return them, so the sender has to count. If
 * it missed a send, it would take a notification for the wrong one, and reuse a buffer that the
 * kernel still sends from. Therefore a lock is held during the system call and the counting. No
 * send waits in the kernel, because a send that a signal interrupts there gives back the number of
 * another one. And after an error that leaves the number unknown, the socket's sends copy for the
 * rest of its life.
 */
#ifndef PS_ZEROCOPY_H
#define PS_ZEROCOPY_H

#include "ps_io.h"
#include "ps_sys.h"

#include <pthread.h>

/* The count of one socket's zero-copy sends. */
typedef struct ps_zerocopy {
    uint64_t cookie; /* SO_COOKIE of the socket, which no other socket ever has */
    uint64_t sends;  /* how many have a number; the next number is the lowest 32 bits of this */
    int lost;        /* the next number is unknown: all further sends copy */
    pthread_mutex_t lock;
} ps_zerocopy;

PS_OFFSET(ps_zerocopy, lost, 16, 16);
PS_OFFSET(ps_zerocopy, lock, 20, 24);

/* Read SO_COOKIE. Returns 0 or -errno: -ENOPROTOOPT or -ENOSYS where the system has no cookies. */
int ps_zerocopy_cookie(int fd, uint64_t *cookie);

/* Whether SO_ZEROCOPY is set. */
int ps_zerocopy_is_on(int fd);

/* Set SO_ZEROCOPY and begin to count. Returns 1, or 0 without any effect where the option cannot be
 * set, or is set already: then whoever set it may have made sends that were not counted. */
int ps_zerocopy_init(ps_zerocopy *counter, int fd, uint64_t cookie);
void ps_zerocopy_free(ps_zerocopy *counter);

/* Stop counting in the child of a fork(2): the parent goes on to send, and another thread of it may
 * have held the lock. */
void ps_zerocopy_forsake(ps_zerocopy *counter);

/* The numbers from first to last, both included, modulo 2^32. */
typedef struct ps_range {
    uint32_t first;
    uint32_t last;
} ps_range;

/* How many numbers are in both ranges. Each of them may have at most 2^31 numbers. */
uint32_t ps_range_overlap(ps_range a, ps_range b);

typedef struct ps_zerocopy_send {
    ps_io io;                   /* the argument of ps_send_zerocopy; the first field */
    const volatile int *fd_ptr; /* the socket's descriptor, -1 after its owner has closed it */
    ps_zerocopy *counter;
    int is_stream;
    int copies;       /* after ENOBUFS (RLIMIT_MEMLOCK, optmem_max) copy instead of failing */
    int no_memory;    /* output: a send failed with ENOBUFS */
    int numbered;     /* output: at least one zero-copy send was made */
    ps_range numbers; /* output: their first and last number; other calls' may be between them */
} ps_zerocopy_send;

PS_OFFSET(ps_zerocopy_send, fd_ptr, 40, 64);
PS_OFFSET(ps_zerocopy_send, is_stream, 48, 80);
PS_OFFSET(ps_zerocopy_send, numbered, 60, 92);
PS_OFFSET(ps_zerocopy_send, numbers, 64, 96);
PS_SIZE(ps_zerocopy_send, 72, 104);

/* A ps_transfer for the io of a ps_zerocopy_send; io->len must not be 0. With MSG_DONTWAIT this is
 * one send. Without it this does what a blocking send(2) does: it sends all bytes of a stream, it
 * obeys O_NONBLOCK and SO_SNDTIMEO, and after an error or a signal it returns how many bytes were
 * sent.
 *
 * A send copies where fd is not the counted socket, or where the kernel cannot send the memory
 * without a copy. After a wait the descriptor is read from *fd_ptr. */
ssize_t ps_send_zerocopy(int fd, ps_io *io, int flags);

/* A notification: the kernel has completed these sends. */
typedef struct ps_notice {
    ps_range numbers;
    int copied; /* the kernel has copied their bytes */
} ps_notice;

PS_OFFSET(ps_notice, copied, 8, 8);
PS_SIZE(ps_notice, 12, 12);

/* Parse a message of the error queue. Returns 1 and sets *notice, or 0 where msg is no notification
 * of zero-copy sends. */
int ps_notice_parse(const struct msghdr *msg, ps_notice *notice);

/* Whether all these numbers belong to sends that were counted. */
int ps_zerocopy_issued(ps_zerocopy *counter, ps_range numbers);

#endif
