#include "ps_batch.h"
#include "ps_cmsg.h"
#include "ps_meta.h"

#include <stdlib.h>

int ps_inbox_init(ps_inbox *inbox, size_t slots) {
    memset(inbox, 0, sizeof *inbox);
    inbox->slots = slots;
    inbox->headers = calloc(slots, sizeof *inbox->headers);
    inbox->iov = calloc(slots, sizeof *inbox->iov);
    inbox->names = calloc(slots, sizeof *inbox->names);
    inbox->control = calloc(slots, PS_CONTROL);
    if (slots == 0 || inbox->headers == NULL || inbox->iov == NULL || inbox->names == NULL ||
        inbox->control == NULL) {
        ps_inbox_free(inbox);
        return -ENOMEM;
    }
    return 0;
}

void ps_inbox_free(ps_inbox *inbox) {
    free(inbox->headers);
    free(inbox->iov);
    free(inbox->names);
    free(inbox->control);
    memset(inbox, 0, sizeof *inbox);
}

/* Set the fields of a header that a receive reads and overwrites. */
static void reset(ps_inbox *inbox, size_t i) {
    struct msghdr *msg = &inbox->headers[i].msg_hdr;
    msg->msg_namelen = sizeof inbox->names[i];
    msg->msg_controllen = PS_CONTROL;
}

int ps_inbox_lay(ps_inbox *inbox, void *arena, size_t size, size_t room) {
    if (room > SIZE_MAX / inbox->slots || inbox->slots * room > size) {
        return -EINVAL;
    }
    inbox->arena = arena;
    inbox->room = room;
    inbox->came = 0;
    for (size_t i = 0; i < inbox->slots; i++) {
        inbox->iov[i].iov_base = inbox->arena + i * room;
        inbox->iov[i].iov_len = room;
        inbox->headers[i].msg_hdr = (struct msghdr){.msg_name = &inbox->names[i],
                                                    .msg_iov = &inbox->iov[i],
                                                    .msg_iovlen = 1,
                                                    .msg_control = inbox->control + i * PS_CONTROL};
        reset(inbox, i);
    }
    return 0;
}

int ps_inbox_place(ps_inbox *inbox, size_t i, void *memory, size_t size) {
    if (i >= inbox->slots || size < inbox->room) {
        return -EINVAL;
    }
    inbox->iov[i].iov_base = memory;
    return 0;
}

/* Call recvmmsg(2), or without it recvmsg(2) for one message: then the caller receives the others
 * by further calls. Returns the number of messages, or -1 and errno. */
static int recv_messages(int fd, ps_mmsghdr *headers, size_t n, int flags) {
#ifdef PS_HAVE_MMSG
    ps_mmsg_flags all_flags = (ps_mmsg_flags)(flags | MSG_WAITFORONE);
    int count = recvmmsg(fd, headers, (unsigned)n, all_flags, NULL);
    if (count >= 0 || errno != ENOSYS) {
        return count;
    }
#else
    (void)n;
#endif
    ssize_t len = recvmsg(fd, &headers->msg_hdr, flags);
    if (len < 0) {
        return -1;
    }
    headers->msg_len = (unsigned)len;
    return 1;
}

ssize_t ps_recv_batch(int fd, ps_io *io, int flags) {
    ps_inbox *inbox = io->buf;
    size_t n = inbox->wanted == 0 || inbox->wanted > inbox->slots ? inbox->slots : inbox->wanted;
    if (flags & MSG_PEEK) {
        n = 1; /* with more the kernel would return the first message n times */
    }
    for (size_t i = 0; i < inbox->came; i++) {
        reset(inbox, i);
    }
    inbox->came = 0;
    inbox->bytes = 0;
    inbox->told = 0;
    int count = recv_messages(fd, inbox->headers, n, flags);
    if (count < 0) {
        return -errno;
    }
    inbox->came = (size_t)count;
    for (size_t i = 0; i < inbox->came; i++) {
        inbox->bytes += inbox->headers[i].msg_len;
        if (inbox->headers[i].msg_hdr.msg_controllen == 0) {
            continue;
        }
        inbox->told++;
        if (inbox->family == AF_UNIX) {
            ps_cmsg_close_rights(&inbox->headers[i].msg_hdr); /* an arrival has no descriptors */
        }
    }
    return count;
}

int ps_inbox_arrival(const ps_inbox *inbox, size_t i, ps_arrival *arrival) {
    if (i >= inbox->came || i >= inbox->slots) {
        return -EINVAL;
    }
    const struct msghdr *msg = &inbox->headers[i].msg_hdr;
    size_t len = inbox->headers[i].msg_len;
    arrival->truncated = (msg->msg_flags & MSG_TRUNC) != 0 || len > inbox->room;
    arrival->control_truncated = (msg->msg_flags & MSG_CTRUNC) != 0;
    arrival->data = inbox->iov[i].iov_base;
    arrival->len =
        len < inbox->room ? len : inbox->room; /* with MSG_TRUNC len may be greater than room */
    arrival->segment = arrival->len;
    arrival->datagrams = 1;
    arrival->name = &inbox->names[i];
    arrival->namelen = msg->msg_namelen;
    if (arrival->namelen > sizeof inbox->names[i]) {
        arrival->namelen = sizeof inbox->names[i];
    }
    if (msg->msg_controllen > 0 && inbox->family != AF_UNIX) {
        ps_meta meta;
        ps_meta_parse(&meta, msg);
        if (meta.has & PS_META_SEGMENT && meta.segment < arrival->len) {
            arrival->segment = meta.segment;
            arrival->datagrams = (arrival->len + meta.segment - 1) / meta.segment;
        }
    }
    return 0;
}
