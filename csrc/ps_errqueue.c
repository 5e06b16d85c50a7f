#include "ps_errqueue.h"

ssize_t ps_error_take(int fd, ps_error *error) {
    if (MSG_ERRQUEUE == 0) {
        return -EAGAIN;
    }
    error->iov = (struct iovec){.iov_base = error->data, .iov_len = sizeof error->data};
    error->msg = (struct msghdr){.msg_name = &error->name,
                                 .msg_namelen = sizeof error->name,
                                 .msg_iov = &error->iov,
                                 .msg_iovlen = 1,
                                 .msg_control = &error->control,
                                 .msg_controllen = sizeof error->control};
    ssize_t n = recvmsg(fd, &error->msg, MSG_ERRQUEUE | MSG_DONTWAIT);
    return n < 0 ? -errno : n;
}

void ps_message_control(struct msghdr *msg, const void *control, size_t len) {
    size_t room = msg->msg_control != NULL ? (size_t)msg->msg_controllen : 0;
    if (len > room) {
        msg->msg_flags |= MSG_CTRUNC;
    }
    len = ps_min(len, room);
    if (len > 0) {
        memcpy(msg->msg_control, control, len);
    }
    msg->msg_controllen = (ps_controllen)len;
}

ssize_t ps_message_give(const ps_message *message, struct msghdr *msg) {
    const char *data = message->data;
    size_t left = message->len;
    msg->msg_flags = message->flags;
    for (size_t i = 0; i < (size_t)msg->msg_iovlen && left > 0; i++) {
        size_t n = ps_min(left, msg->msg_iov[i].iov_len);
        if (n > 0) {
            memcpy(msg->msg_iov[i].iov_base, data, n);
            data += n;
            left -= n;
        }
    }
    if (left > 0) {
        msg->msg_flags |= MSG_TRUNC;
    }
    ps_message_control(msg, message->control, message->controllen);
    socklen_t named = 0;
    if (msg->msg_name != NULL) {
        named = (socklen_t)ps_min(msg->msg_namelen, message->namelen);
        memcpy(msg->msg_name, message->name, named);
    }
    msg->msg_namelen = named;
    return (ssize_t)(message->len - left);
}
