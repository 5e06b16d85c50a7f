#include "ps_batch.h"
#include "ps_cmsg.h"

/* A message while it is put together: datagrams of one size to one peer. */
typedef struct run {
    const ps_piece *first;
    size_t size; /* bytes of each datagram, except that the last may have fewer */
    size_t datagrams;
    size_t bytes;
    size_t most; /* how many datagrams it may have */
    int full;    /* no further datagram may be added */
} run;

void ps_outbox_init(ps_outbox *outbox, const int *fd_ptr, const ps_piece *pieces, size_t count,
                    size_t segments) {
    memset(outbox, 0, offsetof(ps_outbox, plan));
    outbox->fd_ptr = fd_ptr;
    outbox->pieces = pieces;
    outbox->count = count;
    outbox->segments = segments < 1 ? 1 : segments < PS_SEGMENTS ? segments : PS_SEGMENTS;
}

static int same_peer(const ps_piece *a, const ps_piece *b) {
    return a->name == b->name || (a->name != NULL && b->name != NULL && a->namelen == b->namelen &&
                                  memcmp(a->name, b->name, a->namelen) == 0);
}

/* Add datagrams of the piece, from offset on, to the run. Returns how many bytes they have: 0 where
 * the next datagram cannot be added, or is empty. */
static size_t add_to_run(run *run, const ps_piece *piece, size_t offset) {
    size_t left = piece->len - offset;
    size_t whole = piece->segment > 0 ? piece->segment : piece->len;
    size_t next = ps_min(whole, left);
    if (run->datagrams == 0) {
        run->first = piece;
        run->size = next;
        run->datagrams = 1;
        run->bytes = next;
        run->full = next == 0 || run->most == 1;
        if (run->full || whole != next) {
            return next;
        }
        /* The code below adds further datagrams of the same piece. */
    } else if (run->full || next == 0 || next > run->size ||
               next > PS_MAX_JOINED - ps_min(run->bytes, PS_MAX_JOINED) ||
               !same_peer(run->first, piece)) {
        return 0;
    } else {
        run->datagrams++;
        run->bytes += next;
    }
    size_t added = next;
    if (next < run->size) {
        run->full = 1;
    } else if (whole == next) {
        size_t more = ps_min((left - added) / next, run->most - run->datagrams);
        more = ps_min(more, (PS_MAX_JOINED - ps_min(run->bytes, PS_MAX_JOINED)) / next);
        added += more * next;
        run->datagrams += more;
        run->bytes += more * next;
    }
    if (run->datagrams == run->most) {
        run->full = 1;
    }
    return added;
}

static void fill_header(ps_outbox *outbox, size_t m, const run *run, struct iovec *iov,
                        size_t iovs) {
    struct msghdr *msg = &outbox->headers[m].msg_hdr;
    memset(msg, 0, sizeof *msg);
    msg->msg_name = (void *)run->first->name;
    msg->msg_namelen = run->first->name != NULL ? run->first->namelen : 0;
    msg->msg_iov = iov;
    msg->msg_iovlen = (ps_iovlen)iovs;
#ifdef PS_HAVE_UDP_SEGMENT
    if (run->datagrams > 1) {
        uint16_t size = (uint16_t)run->size;
        ps_cmsg item = {.level = SOL_UDP, .type = UDP_SEGMENT, .data = &size, .len = sizeof size};
        size_t used = 0;
        ps_cmsg_put(outbox->control[m].bytes, sizeof outbox->control[m].bytes, &used, &item);
        msg->msg_control = outbox->control[m].bytes;
        msg->msg_controllen = (ps_controllen)used;
    }
#endif
}

/* Put together the next messages, from outbox->at on. Returns how many there are. */
static size_t make_plan(ps_outbox *outbox) {
    ps_position at = outbox->at;
    size_t iovs = 0;
    size_t messages = outbox->ungrouped > 0 ? ps_min(outbox->ungrouped, PS_BATCH) : PS_BATCH;
    size_t m = 0;
    for (; m < messages && at.piece < outbox->count && iovs < PS_IOVECS; m++) {
        run run = {.most = outbox->ungrouped > 0 ? 1 : outbox->segments};
        size_t first_iov = iovs;
        while (at.piece < outbox->count && !run.full) {
            const ps_piece *piece = &outbox->pieces[at.piece];
            size_t before = run.datagrams;
            const char *data = piece->data + at.offset;
            int adjoins = iovs > first_iov && (const char *)outbox->iov[iovs - 1].iov_base +
                                                      outbox->iov[iovs - 1].iov_len ==
                                                  data;
            if (!adjoins && iovs == PS_IOVECS) {
                break;
            }
            size_t added = add_to_run(&run, piece, at.offset);
            if (run.datagrams == before) {
                break;
            }
            if (adjoins) {
                outbox->iov[iovs - 1].iov_len += added;
            } else {
                outbox->iov[iovs++] = (struct iovec){.iov_base = (void *)data, .iov_len = added};
            }
            at.offset += added;
            if (at.offset == piece->len) {
                at = (ps_position){.piece = at.piece + 1, .offset = 0};
            }
        }
        fill_header(outbox, m, &run, &outbox->iov[first_iov], iovs - first_iov);
        outbox->plan[m].end = at;
        outbox->plan[m].datagrams = run.datagrams;
        outbox->plan[m].bytes = run.bytes;
    }
    return m;
}

/* Send n messages by one system call each. Returns how many were sent, or -errno where the first
 * failed. */
static ssize_t send_each(ps_outbox *outbox, int fd, size_t n, int flags) {
    for (size_t i = 0; i < n; i++) {
        if (sendmsg(fd, &outbox->headers[i].msg_hdr, flags) < 0) {
            if (i == 0) {
                return -errno;
            }
            if (errno != EAGAIN && errno != EINTR) {
                /* This may be the only call that reports the error: the kernel clears a pending
                 * error (SO_ERROR) when it has returned it. */
                outbox->next_error = errno;
            }
            return (ssize_t)i;
        }
        fd = *outbox->fd_ptr; /* the socket may have been closed, and fd be another file's by now */
    }
    return (ssize_t)n;
}

static ssize_t send_messages(ps_outbox *outbox, int fd, size_t n, int flags) {
    if (outbox->next_error != 0) {
        int err = outbox->next_error;
        outbox->next_error = 0;
        return -err;
    }
#ifdef PS_HAVE_MMSG
    if (!outbox->one_by_one && n > 1) {
        int sent = sendmmsg(fd, outbox->headers, (unsigned)n, (ps_mmsg_flags)flags);
        if (sent >= 0 || errno != ENOSYS) {
            return sent < 0 ? -errno : sent;
        }
    }
#endif
    return send_each(outbox, fd, n, flags);
}

/* Whether the first message failed with an error that UDP_SEGMENT may be the cause of. */
static int gso_may_be_refused(const ps_outbox *outbox, ssize_t err) {
    return outbox->plan[0].datagrams > 1 && (err == -EIO || err == -EINVAL || err == -EMSGSIZE);
}

/* Count the first messages of the plan as sent. Returns how many datagrams they have. */
static ssize_t count_sent(ps_outbox *outbox, size_t messages) {
    size_t datagrams = 0;
    for (size_t i = 0; i < messages; i++) {
        datagrams += outbox->plan[i].datagrams;
        outbox->bytes += outbox->plan[i].bytes;
    }
    if (messages > 0) {
        outbox->at = outbox->plan[messages - 1].end;
    }
    if (outbox->ungrouped > 0) {
        outbox->ungrouped -= datagrams;
        if (outbox->gso_error == EIO || outbox->gso_error == EINVAL) {
            outbox->refused = 1;
            outbox->segments = 1;
        }
        outbox->gso_error = 0;
    }
    outbox->sent += datagrams;
    return (ssize_t)datagrams;
}

ssize_t ps_send_batch(int fd, ps_io *io, int flags) {
    ps_outbox *outbox = io->buf;
    size_t n = make_plan(outbox);
    if (n == 0) {
        return 0;
    }
    ssize_t sent = send_messages(outbox, fd, n, flags);
    if (sent < 0 && gso_may_be_refused(outbox, sent)) {
        outbox->gso_error = (int)-sent;
        outbox->ungrouped = outbox->plan[0].datagrams;
        n = make_plan(outbox);
        sent = send_messages(outbox, *outbox->fd_ptr, n, flags);
    }
    if (sent < 0) {
        outbox->error = (int)-sent;
        return sent;
    }
    return count_sent(outbox, (size_t)sent);
}
