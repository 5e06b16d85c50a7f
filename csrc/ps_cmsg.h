/* Control messages (cmsg(3)): written into and read from a caller's buffer, bounds checked. */
#ifndef PS_CMSG_H
#define PS_CMSG_H

#include "ps_sys.h"

/* One control message as the caller sees it; data points into the control buffer on reads. */
typedef struct ps_cmsg {
    int level;
    int type;
    const void *data;
    size_t len;
} ps_cmsg;

/* Bytes that a message with len bytes of data takes in a control buffer (CMSG_SPACE), or that
 * its header and data take without padding (CMSG_LEN); 0 where len is too large for either. */
size_t ps_cmsg_space(size_t len);
size_t ps_cmsg_len(size_t len);

/* Append item at offset *used of a control buffer of size bytes: 0, or -ENOBUFS. */
int ps_cmsg_put(void *control, size_t size, size_t *used, const ps_cmsg *item);

/* Step through what recvmsg left in msg. *cursor starts as NULL. 1: *item is set; 0: the end.
 * A header that claims more than the buffer holds is cut to what is there: len then tells, and
 * *truncated is set. */
int ps_cmsg_next(const struct msghdr *msg, struct cmsghdr **cursor, ps_cmsg *item, int *truncated);

/* The descriptors that one message can carry: the kernel refuses to send more. */
#define PS_RIGHTS_MOST SCM_MAX_FD

/* Room for what may stand beside descriptors: credentials, a security label, a pidfd, timestamps.
 */
#define PS_RIGHTS_BESIDE 512

typedef union ps_rights_room {
    struct cmsghdr header; /* for its alignment */
    char bytes[CMSG_SPACE(PS_RIGHTS_MOST * sizeof(int)) + PS_RIGHTS_BESIDE];
} ps_rights_room;

/* Take over the descriptors of msg: those that were sent (SCM_RIGHTS), and the pidfd of a socket
 * with SO_PASSPIDFD. The first most of those sent are put into fds, close-on-exec; every other one
 * is closed. Returns how many were sent. */
size_t ps_cmsg_take_rights(const struct msghdr *msg, int *fds, size_t most);

/* Close every descriptor of msg: for a receiver that cannot hand them on. */
void ps_cmsg_close_rights(const struct msghdr *msg);

#endif
