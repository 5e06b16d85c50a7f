#include "ps_cmsg.h"

#include <fcntl.h>

#define DATA_MAX ((size_t)INT32_MAX - CMSG_SPACE(0) - CMSG_SPACE(1))

size_t ps_cmsg_space(size_t len) {
    return len > DATA_MAX ? 0 : CMSG_SPACE(len);
}

size_t ps_cmsg_len(size_t len) {
    return len > DATA_MAX ? 0 : CMSG_LEN(len);
}

int ps_cmsg_put(void *control, size_t size, size_t *used, const ps_cmsg *item) {
    size_t space = ps_cmsg_space(item->len);
    if (space == 0 || *used > size || space > size - *used) {
        return -ENOBUFS;
    }
    struct cmsghdr *header = (struct cmsghdr *)((char *)control + *used);
    memset(header, 0, space); /* also the padding, because the kernel reads it */
    header->cmsg_len = (ps_controllen)CMSG_LEN(item->len);
    header->cmsg_level = item->level;
    header->cmsg_type = item->type;
    if (item->len > 0) {
        memcpy(CMSG_DATA(header), item->data, item->len);
    }
    *used += space;
    return 0;
}

/* musl's CMSG_NXTHDR compares a signed with an unsigned number. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wsign-conversion"

static struct cmsghdr *next_header(const struct msghdr *msg, struct cmsghdr *header) {
    return header == NULL ? CMSG_FIRSTHDR(msg) : CMSG_NXTHDR((struct msghdr *)msg, header);
}

#pragma GCC diagnostic pop

int ps_cmsg_next(const struct msghdr *msg, struct cmsghdr **cursor, ps_cmsg *item, int *truncated) {
    const char *end = (const char *)msg->msg_control + msg->msg_controllen;
    struct cmsghdr *header = next_header(msg, *cursor);
    if (header == NULL || (const char *)header + CMSG_LEN(0) > end ||
        header->cmsg_len < CMSG_LEN(0)) {
        return 0;
    }
    const char *data = (const char *)CMSG_DATA(header);
    size_t len = header->cmsg_len - CMSG_LEN(0);
    size_t room = (size_t)(end - data);
    *cursor = header;
    if (len > room) {
        len = room;
        *truncated = 1;
    }
    *item =
        (ps_cmsg){.level = header->cmsg_level, .type = header->cmsg_type, .data = data, .len = len};
    return 1;
}

static void set_close_on_exec(int fd) {
    if (MSG_CMSG_CLOEXEC == 0) {
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
}

size_t ps_cmsg_take_rights(const struct msghdr *msg, int *fds, size_t most) {
    size_t sent = 0;
    struct cmsghdr *cursor = NULL;
    ps_cmsg item;
    int truncated = 0;
    while (ps_cmsg_next(msg, &cursor, &item, &truncated)) {
        if (item.level != SOL_SOCKET || (item.type != SCM_RIGHTS && item.type != SCM_PIDFD)) {
            continue;
        }
        for (size_t at = 0; at + sizeof(int) <= item.len; at += sizeof(int)) {
            int fd;
            memcpy(&fd, (const char *)item.data + at, sizeof fd);
            if (item.type == SCM_RIGHTS && sent++ < most) {
                set_close_on_exec(fd);
                fds[sent - 1] = fd;
            } else if (fd >= 0) { /* the kernel may write -errno instead of a pidfd */
                close(fd);
            }
        }
    }
    return sent;
}

void ps_cmsg_close_rights(const struct msghdr *msg) {
    ps_cmsg_take_rights(msg, NULL, 0);
}
