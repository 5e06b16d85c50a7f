/* A socket's error queue (recvmsg(2), MSG_ERRQUEUE): what happened to what was sent.
 *
 * Completions of sends without copying, transmit timestamps and ICMP errors come by one queue, and
 * the kernel gives no way to look at a message without taking it: MSG_PEEK takes it, too. So who
 * wants one kind of them must keep the others for whoever asks for those.
 */
#ifndef PS_ERRQUEUE_H
#define PS_ERRQUEUE_H

#include "ps_addr.h"
#include "ps_cmsg.h"
#include "ps_sys.h"

enum {
    PS_ERROR_DATA = 65536,   /* of a packet that is quoted; the kernel cuts, and says so */
    PS_ERROR_CONTROL = 2048, /* several times what any kernel puts there */
};

typedef union ps_error_control {
    struct cmsghdr header; /* for its alignment */
    char bytes[PS_ERROR_CONTROL];
} ps_error_control;

typedef struct ps_error {
    struct msghdr msg; /* as recvmsg left it */
    struct iovec iov;
    ps_sockaddr name;
    char data[PS_ERROR_DATA];
    ps_error_control control; /* last: a struct cmsghdr is one of variable size */
} ps_error;

/* Take the first message, without waiting: the bytes of its data, or -errno. */
ssize_t ps_error_take(int fd, ps_error *error);

/* A message that was taken before and kept. */
typedef struct ps_message {
    const void *data;
    size_t len;
    const void *control;
    size_t controllen;
    const ps_sockaddr *name;
    socklen_t namelen;
    int flags; /* msg_flags */
} ps_message;

/* Let msg have that control data, or as much as there is room for, as recvmsg would. */
void ps_message_control(struct msghdr *msg, const void *control, size_t len);

/* What recvmsg would have done for msg: fill its buffers, set lengths and flags, cut what does not
 * fit. The bytes of data. */
ssize_t ps_message_give(const ps_message *message, struct msghdr *msg);

#endif
