/* Moving bytes from one descriptor to another with splice(2), or by copying where the kernel cannot
 * splice.
 *
 * splice(2) needs a pipe at one end. Where neither end is a pipe, this module splices the source
 * into a pipe of its own, and this pipe into the target. A pipe costs two descriptors and some
 * microseconds: therefore the first bytes are copied, and the pipe is opened only after
 * PS_SPLICE_ROOM bytes. Bytes that were read from the source and not yet written to the target are
 * inside: in the pipe or in memory. A caller that stops early has to get them with ps_splice_drain,
 * or they are lost.
 */
#ifndef PS_SPLICE_H
#define PS_SPLICE_H

#include "ps_sys.h"

/* The capacity to ask for the pipe: the largest that a process without privileges may have. */
#define PS_SPLICE_PIPE (1 << 20)

/* The size of the memory for copies. After so many bytes more are likely to come, and the pipe is
 * worth its cost. */
#define PS_SPLICE_ROOM (64 << 10)

/* One of the two descriptors. Every system call reads *fd_ptr, because another thread may have
 * closed the descriptor and written -1 there. */
typedef struct ps_end {
    const volatile int *fd_ptr;
    int is_socket;
    int is_pipe;
    int is_file; /* a regular file or a block device: poll(2) always reports it as ready */
    int blocks;  /* it does not have O_NONBLOCK */
    int ready;   /* the caller sets it when poll(2) has reported the descriptor */
} ps_end;

enum { PS_SPLICE_SOURCE = 1, PS_SPLICE_TARGET = 2 };

typedef struct ps_splice {
    ps_end source;
    ps_end target;
    int64_t left;     /* bytes still to be read from source; INT64_MAX is all until its end */
    int64_t moved;    /* bytes that were written to target */
    int timed;        /* the caller has a deadline: no system call may wait */
    int waits_for;    /* after -EAGAIN: PS_SPLICE_SOURCE, PS_SPLICE_TARGET, or both */
    int may_splice;   /* 0: only copy */
    int direct;       /* splice without a pipe of our own: one end is a pipe, no call can wait */
    int64_t copied;   /* bytes that were read by copying */
    int pipe[2];      /* our own pipe; -1 before it is opened */
    size_t capacity;  /* bytes that this pipe has room for */
    size_t in_pipe;   /* bytes that are in this pipe */
    char *memory;     /* the caller's, PS_SPLICE_ROOM bytes */
    size_t at;        /* the offset in memory of the first byte to write */
    size_t in_memory; /* how many bytes there are; they precede those in the pipe */
} ps_splice;

PS_OFFSET(ps_splice, source.ready, 20, 24);
PS_OFFSET(ps_splice, target.ready, 44, 56);
PS_OFFSET(ps_splice, left, 48, 64);
PS_OFFSET(ps_splice, moved, 56, 72);
PS_OFFSET(ps_splice, waits_for, 68, 84);
PS_SIZE(ps_splice, 116, 152);

/* Initialize s, and find out what kinds of descriptors the two ends are. Returns 0, or -errno:
 * -EPROTOTYPE for a socket that is no stream. */
int ps_splice_init(ps_splice *s, const int *source_ptr, const int *target_ptr, int64_t count,
                   int timed, char *memory);

/* Move bytes by one system call, or without once by system calls until one fails, or until
 * ps_clock() has reached the time until and no bytes are inside. Returns the number of bytes of the
 * last system call, -errno, or 0 when all is done: at the end of source or after count bytes, with
 * no bytes inside. */
ssize_t ps_splice_steps(ps_splice *s, int64_t until, int once);

/* How many bytes are inside; and copy them to memory that has room for so many, which returns 0 or
 * -errno. */
size_t ps_splice_inside(const ps_splice *s);
int ps_splice_drain(ps_splice *s, char *to);

/* Close the pipe. */
void ps_splice_close(ps_splice *s);

/* Sleep for a millisecond. The caller needs this where poll(2) returns at once although the system
 * call fails with EAGAIN: for POLLERR, which stays set while the error queue is not empty. */
void ps_splice_pause(void);

#endif
