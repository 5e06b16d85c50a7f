#include "ps_batch.h"
#include "ps_cmsg.h"

/* A run being made: datagrams of one size to one peer, one message. */
typedef struct run {
    const ps_piece *first;
    size_t size; /* of each datagram; only the last may be shorter */
    size_t datagrams;
    size_t bytes;
    size_t most; /* datagrams that it may have */
    int full;    /* nothing may follow */
} run;

void ps_outbox_init(ps_outbox *outbox, const int *place, const ps_piece *pieces, size_t count,
                    size_t segments) {
    memset(outbox, 0, offsetof(ps_outbox, plan));
    outbox->place = place;
    outbox->pieces = pieces;
    outbox->count = count;
    outbox->segments = segments < 1 ? 1 : segments < PS_SEGMENTS ? segments : PS_SEGMENTS;
}

static int same_peer(const ps_piece *a, const ps_piece *b) {
    return a->name == b->name || (a->name != NULL && b->name != NULL && a->namelen == b->namelen &&
                                  memcmp(a->name, b->name, a->namelen) == 0);
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* How many bytes of the piece, from offset on, go on the run: whole datagrams; 0 for none. */
static size_t take(run *run, const ps_piece *piece, size_t offset) {
    size_t left = piece->len - offset;
    size_t whole = piece->segment > 0 ? piece->segment : piece->len;
    size_t next = smaller(whole, left);
    if (run->datagrams == 0) {
        run->first = piece;
        run->size = next;
        run->datagrams = 1;
        run->bytes = next;
        run->full = next == 0 || run->most == 1;
        if (run->full || whole != next) {
            return next;
        }
        /* and as many more of the same piece as may follow */
    } else if (run->full || next == 0 || next > run->size ||
               next > PS_JOINED_MOST - smaller(run->bytes, PS_JOINED_MOST) ||
               !same_peer(run->first, piece)) {
        return 0;
    } else {
        run->datagrams++;
        run->bytes += next;
    }
    size_t taken = next;
    if (next < run->size) {
        run->full = 1;
    } else if (whole == next) {
        size_t more = smaller((left - taken) / next, run->most - run->datagrams);
        more = smaller(more, (PS_JOINED_MOST - smaller(run->bytes, PS_JOINED_MOST)) / next);
        taken += more * next;
        run->datagrams += more;
        run->bytes += more * next;
    }
    if (run->datagrams == run->most) {
        run->full = 1;
    }
    return taken;
}

static void fill_header(ps_outbox *outbox, size_t m, const run *run, struct iovec *iov,
                        size_t iovs) {
    struct msghdr *msg = &outbox->headers[m].msg_hdr;
    memset(msg, 0, sizeof *msg);
    msg->msg_name = (void *)run->first->name;
    msg->msg_namelen = run->first->name != NULL ? run->first->namelen : 0;
    msg->msg_iov = iov;
    msg->msg_iovlen = iovs;
#ifdef PS_HAVE_UDP_SEGMENT
    if (run->datagrams > 1) {
        uint16_t size = (uint16_t)run->size;
        ps_cmsg item = {.level = SOL_UDP, .type = UDP_SEGMENT, .data = &size, .len = sizeof size};
        size_t used = 0;
        ps_cmsg_put(outbox->control[m].bytes, sizeof outbox->control[m].bytes, &used, &item);
        msg->msg_control = outbox->control[m].bytes;
        msg->msg_controllen = used;
    }
#endif
}

/* Lay out the next messages from outbox->at on: their number. */
static size_t make_plan(ps_outbox *outbox) {
    ps_place at = outbox->at;
    size_t iovs = 0;
    size_t messages = outbox->alone > 0 ? smaller(outbox->alone, PS_BATCH) : PS_BATCH;
    size_t m = 0;
    for (; m < messages && at.piece < outbox->count && iovs < PS_IOVECS; m++) {
        run run = {.most = outbox->alone > 0 ? 1 : outbox->segments};
        size_t begin = iovs;
        while (at.piece < outbox->count && !run.full) {
            const ps_piece *piece = &outbox->pieces[at.piece];
            size_t before = run.datagrams;
            const char *data = piece->data + at.offset;
            int adjoins = iovs > begin && (const char *)outbox->iov[iovs - 1].iov_base +
                                                  outbox->iov[iovs - 1].iov_len ==
                                              data;
            if (!adjoins && iovs == PS_IOVECS) {
                break;
            }
            size_t taken = take(&run, piece, at.offset);
            if (run.datagrams == before) {
                break;
            }
            if (adjoins) {
                outbox->iov[iovs - 1].iov_len += taken;
            } else {
                outbox->iov[iovs++] = (struct iovec){.iov_base = (void *)data, .iov_len = taken};
            }
            at.offset += taken;
            if (at.offset == piece->len) {
                at = (ps_place){.piece = at.piece + 1, .offset = 0};
            }
        }
        fill_header(outbox, m, &run, &outbox->iov[begin], iovs - begin);
        outbox->plan[m].end = at;
        outbox->plan[m].datagrams = run.datagrams;
        outbox->plan[m].bytes = run.bytes;
    }
    return m;
}

/* A system call a message: their number, or the errno of the first as a negative number. */
static ssize_t send_each(ps_outbox *outbox, int fd, size_t n, int flags) {
    for (size_t i = 0; i < n; i++) {
        if (sendmsg(fd, &outbox->headers[i].msg_hdr, flags) < 0) {
            if (i == 0) {
                return -errno;
            }
            if (errno != EAGAIN && errno != EINTR) {
                outbox->held =
                    errno; /* some are gone by being told: this call may be the only one */
            }
            return (ssize_t)i;
        }
        fd = *outbox->place; /* not another socket's, should this one have been closed meanwhile */
    }
    return (ssize_t)n;
}

static ssize_t send_messages(ps_outbox *outbox, int fd, size_t n, int flags) {
    if (outbox->held != 0) {
        int err = outbox->held;
        outbox->held = 0;
        return -err;
    }
#ifdef PS_HAVE_MMSG
    if (!outbox->one_by_one && n > 1) {
        int sent = sendmmsg(fd, outbox->headers, (unsigned)n, flags);
        if (sent >= 0 || errno != ENOSYS) {
            return sent < 0 ? -errno : sent;
        }
    }
#endif
    return send_each(outbox, fd, n, flags);
}

/* Is the answer to a message with UDP_SEGMENT about just that, perhaps? */
static int may_be_refusal(const ps_outbox *outbox, ssize_t err) {
    return outbox->plan[0].datagrams > 1 && (err == -EIO || err == -EINVAL || err == -EMSGSIZE);
}

static ssize_t went_out(ps_outbox *outbox, size_t messages) {
    size_t datagrams = 0;
    for (size_t i = 0; i < messages; i++) {
        datagrams += outbox->plan[i].datagrams;
        outbox->bytes += outbox->plan[i].bytes;
    }
    if (messages > 0) {
        outbox->at = outbox->plan[messages - 1].end;
    }
    if (outbox->alone > 0) {
        outbox->alone -= datagrams;
        if (outbox->doubt == EIO || outbox->doubt == EINVAL) {
            outbox->refused = 1;
            outbox->segments = 1;
        }
        outbox->doubt = 0;
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
    if (sent < 0 && may_be_refusal(outbox, sent)) {
        outbox->doubt = (int)-sent;
        outbox->alone = outbox->plan[0].datagrams;
        n = make_plan(outbox);
        sent = send_messages(outbox, *outbox->place, n, flags);
    }
    if (sent < 0) {
        outbox->error = (int)-sent;
        return sent;
    }
    return went_out(outbox, (size_t)sent);
}
