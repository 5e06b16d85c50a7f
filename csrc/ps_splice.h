/* Bytes from one descriptor to another: splice(2), and a copy where the kernel cannot splice.
 *
 * The kernel splices into a pipe and out of one. Where neither end is a pipe there is one between
 * them, made when there is much to move: the first bytes are copied, for a pipe costs two
 * descriptors and some microseconds. Bytes that were taken from the source and have not reached
 * the target are inside, in the pipe or in memory. None is ever dropped: who gives up drains them.
 */
#ifndef PS_SPLICE_H
#define PS_SPLICE_H

#include "ps_sys.h"

/* What the pipe should hold: the most that anybody may ask for. */
#define PS_SPLICE_PIPE (1 << 20)

/* The memory for copies. Who has moved so much will move more, and a pipe is worth it. */
#define PS_SPLICE_ROOM (64 << 10)

/* One of the two descriptors. Its number is read anew for every system call: where it stands, its
 * owner writes -1 when he closes it. */
typedef struct ps_end {
    const volatile int *place;
    int is_socket;
    int is_pipe;
    int is_file; /* that poll() always calls ready */
    int blocks;  /* it is in blocking mode */
    int ready;   /* set by the caller after poll() has said so */
} ps_end;

enum { PS_SPLICE_SOURCE = 1, PS_SPLICE_TARGET = 2 };

typedef struct ps_splice {
    ps_end source;
    ps_end target;
    int64_t left;     /* to be taken from source: INT64_MAX to take all */
    int64_t moved;    /* what has reached target */
    int timed;        /* there is a deadline: no system call may wait */
    int waits_for;    /* after -EAGAIN: PS_SPLICE_SOURCE, _TARGET, or both */
    int may_splice;   /* 0: copy, whatever there is to move */
    int direct;       /* one end is a pipe, and the other does not wait with that pipe locked */
    int64_t copied;   /* so far */
    int pipe[2];      /* -1 where there is none */
    size_t capacity;  /* of the pipe */
    size_t in_pipe;   /* bytes inside, */
    char *memory;     /* PS_SPLICE_ROOM bytes, the caller's */
    size_t at;        /* where in memory the first byte that is inside stands */
    size_t in_memory; /* and how many: they come before those in the pipe */
} ps_splice;

/* Look at both ends: 0, or -errno (-EPROTOTYPE for a socket that is no stream). */
int ps_splice_init(ps_splice *s, const int *source, const int *target, int64_t count, int timed,
                   char *memory);

/* Move bytes by one system call, or by as many as can be made until one of them cannot, or until
 * ps_clock() is there and nothing inside: the last one's bytes; 0 at the end of source or after
 * count bytes, with nothing inside; -errno. */
ssize_t ps_splice_steps(ps_splice *s, int64_t until, int once);

/* The number of bytes inside; and take them out, to memory for as many. */
size_t ps_splice_inside(const ps_splice *s);
int ps_splice_drain(ps_splice *s, char *to);

void ps_splice_close(ps_splice *s);

/* Let a millisecond pass: for poll() calling ready what is not (POLLERR that nobody clears). */
void ps_splice_pause(void);

#endif
