/* Control messages (cmsg(3)), written to and read from a caller's buffer with bounds checks. */
#ifndef PS_CMSG_H
#define PS_CMSG_H

#include "ps_sys.h"

/* One control message. After ps_cmsg_next, data points into the control buffer. */
typedef struct ps_cmsg {
    int level;
    int type;
    const void *data;
    size_t len;
} ps_cmsg;

PS_OFFSET(ps_cmsg, data, 8, 8);
PS_OFFSET(ps_cmsg, len, 12, 16);
PS_SIZE(ps_cmsg, 16, 24);

/* CMSG_SPACE(len): the bytes that a message with len bytes of data needs in a control buffer.
 * CMSG_LEN(len): the same without padding at the end. Both return 0 where len is too large. */
size_t ps_cmsg_space(size_t len);
size_t ps_cmsg_len(size_t len);

/* Write item at offset *used of a control buffer of size bytes, and add its size to *used. Returns
 * 0, or -ENOBUFS where there is no room for it. */
int ps_cmsg_put(void *control, size_t size, size_t *used, const ps_cmsg *item);

/* Read the next control message of msg, which recvmsg(2) has filled. *cursor is NULL at first.
 * Returns 1 and sets *item, or returns 0 at the end. Where the length in a header goes beyond the
 * end of the buffer, item->len is the number of bytes that the buffer has, and *truncated is set to
 * 1. */
int ps_cmsg_next(const struct msghdr *msg, struct cmsghdr **cursor, ps_cmsg *item, int *truncated);

/* The largest number of descriptors of one message: with more, sendmsg(2) fails with EINVAL. */
#define PS_MAX_RIGHTS SCM_MAX_FD

/* Room for the control messages that may come with descriptors: credentials, a security label, a
 * pidfd, timestamps. */
#define PS_RIGHTS_BESIDE 512

typedef union ps_rights_room {
    struct cmsghdr header; /* for its alignment */
    char bytes[CMSG_SPACE(PS_MAX_RIGHTS * sizeof(int)) + PS_RIGHTS_BESIDE];
} ps_rights_room;

PS_SIZE(ps_rights_room, 1024 + PS_RIGHTS_BESIDE, 1032 + PS_RIGHTS_BESIDE);

/* Make the caller the owner of msg's descriptors. The first most descriptors that the peer has sent
 * (SCM_RIGHTS) are stored in fds, close-on-exec. All others are closed, and so is the pidfd that a
 * socket with SO_PASSPIDFD receives. Returns how many descriptors the peer has sent. */
size_t ps_cmsg_take_rights(const struct msghdr *msg, int *fds, size_t most);

/* Close every descriptor of msg. A receiver that ignored them would leak them. */
void ps_cmsg_close_rights(const struct msghdr *msg);

#endif
