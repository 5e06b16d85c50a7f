/* A socket's error queue (recvmsg(2), MSG_ERRQUEUE): the kernel's reports about sends.
 *
 * Completions of zero-copy sends, transmit timestamps and ICMP errors are in one queue, and the
 * kernel removes a message when it is received, even with MSG_PEEK. Therefore a caller that wants
 * one kind of message has to store the others, and to deliver them when they are asked for.
 */
#ifndef PS_ERRQUEUE_H
#define PS_ERRQUEUE_H

#include "ps_addr.h"
#include "ps_cmsg.h"
#include "ps_sys.h"

enum {
    PS_ERROR_DATA = 65536,   /* bytes of a packet that a message quotes; more is MSG_TRUNC */
    PS_ERROR_CONTROL = 2048, /* bytes of control data; kernels write much less */
};

typedef union ps_error_control {
    struct cmsghdr header; /* for its alignment */
    char bytes[PS_ERROR_CONTROL];
} ps_error_control;

typedef struct ps_error {
    struct msghdr msg; /* as recvmsg(2) filled it */
    struct iovec iov;
    ps_sockaddr name;
    char data[PS_ERROR_DATA];
    ps_error_control control; /* the last field, because struct cmsghdr has a flexible array */
} ps_error;

PS_OFFSET(ps_error, name, 36, 72);
PS_OFFSET(ps_error, data, 164, 200);
PS_OFFSET(ps_error, control, 164 + PS_ERROR_DATA, 200 + PS_ERROR_DATA);
PS_SIZE(ps_error, 164 + PS_ERROR_DATA + PS_ERROR_CONTROL, 200 + PS_ERROR_DATA + PS_ERROR_CONTROL);

/* Receive the first message without waiting. Returns the number of bytes of its data, or -errno. */
ssize_t ps_error_take(int fd, ps_error *error);

/* A message that was received before and stored. */
typedef struct ps_message {
    const void *data;
    size_t len;
    const void *control;
    size_t controllen;
    const ps_sockaddr *name;
    socklen_t namelen;
    int flags; /* msg_flags */
} ps_message;

PS_OFFSET(ps_message, controllen, 12, 24);
PS_OFFSET(ps_message, flags, 24, 44);
PS_SIZE(ps_message, 28, 48);

/* Copy control data to msg as recvmsg(2) does. What has no room is cut, and MSG_CTRUNC is set. */
void ps_message_control(struct msghdr *msg, const void *control, size_t len);

/* Deliver a stored message to msg as recvmsg(2) does: fill msg's buffers, set lengths and flags,
 * and cut what has no room. Returns the number of bytes of data that were copied. */
ssize_t ps_message_give(const ps_message *message, struct msghdr *msg);

#endif
