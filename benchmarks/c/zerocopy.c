/* Sends without copying, and what comes back of them. */
#include "loops.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/errqueue.h>

/* Take the notices that are there: the sends that are done by them, or -errno. */
static int64_t take_notices(int fd) {
    union {
        struct cmsghdr header;
        char bytes[512];
    } control;
    int64_t done = 0;
    for (;;) {
        struct msghdr msg = {.msg_control = &control, .msg_controllen = sizeof control};
        if (recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
            return errno == EAGAIN ? done : -errno;
        }
        struct cmsghdr *header = CMSG_FIRSTHDR(&msg);
        struct sock_extended_err error;
        if (header == NULL || header->cmsg_type != IP_RECVERR) {
            return -EPROTO;
        }
        memcpy(&error, CMSG_DATA(header), sizeof error);
        done += (uint32_t)(error.ee_data - error.ee_info) + 1;
    }
}

/* Send size bytes of one buffer, take the notices that are there; at the end wait for the others.
 */
int64_t send_zerocopy(int64_t n, int fd, int size) {
    int64_t pending = 0;
    int64_t outcome = 0;
    int on = 1;
    char *data = calloc(1, (size_t)size);
    if (data == NULL || setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof on) < 0) {
        outcome = data == NULL ? -ENOMEM : -errno;
    }
    for (int64_t i = 0; outcome == 0 && (i < n || pending > 0); i++) {
        if (i < n) {
            ssize_t sent = send(fd, data, (size_t)size, MSG_ZEROCOPY);
            if (sent != size) {
                outcome = failure(sent);
                break;
            }
            pending++;
        } else {
            poll(&(struct pollfd){.fd = fd}, 1, 1000);
        }
        int64_t done = take_notices(fd);
        if (done < 0) {
            outcome = done;
        }
        pending -= done;
    }
    free(data);
    return outcome;
}
