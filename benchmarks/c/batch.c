/* Datagrams by the batch over IPv4 loopback: the system calls that pysock's batch calls make. */
#include "loops.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define SOL_UDP 17
#define UDP_SEGMENT 103
#define UDP_GRO 104
#define MOST 64
#define JOINED 65507

static char data[65536];
static char rooms[MOST][65536];
static struct sockaddr_in names[MOST];
static struct mmsghdr headers[MOST];
static struct iovec iov[MOST];
static char control[MOST][64];

static struct sockaddr_in loopback(int port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return to;
}

/* One message of count datagrams of size bytes. */
static ssize_t send_joined(int a, struct sockaddr_in *to, int count, int size) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(uint16_t))];
    } segment = {.header = {.cmsg_level = SOL_UDP,
                            .cmsg_type = UDP_SEGMENT,
                            .cmsg_len = CMSG_LEN(sizeof(uint16_t))}};
    uint16_t wide = (uint16_t)size;
    memcpy(CMSG_DATA(&segment.header), &wide, sizeof wide);
    struct iovec all = {.iov_base = data, .iov_len = (size_t)(count * size)};
    struct msghdr msg = {.msg_name = to,
                         .msg_namelen = sizeof *to,
                         .msg_iov = &all,
                         .msg_iovlen = 1,
                         .msg_control = segment.bytes,
                         .msg_controllen = sizeof segment.bytes};
    return sendmsg(a, &msg, 0);
}

static void set_gro(int fd, int on) {
    setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on);
}

static int joinable(int size) {
    int fit = JOINED / size;
    return fit < MOST ? fit : MOST;
}

static int send_all_joined(int a, struct sockaddr_in *to, int count, int size) {
    for (int left = count; left > 0;) {
        int n = left < joinable(size) ? left : joinable(size);
        if (send_joined(a, to, n, size) != (ssize_t)n * size) {
            return -1;
        }
        left -= n;
    }
    return 0;
}

static void prepare(void) {
    for (int i = 0; i < MOST; i++) {
        iov[i] = (struct iovec){.iov_base = rooms[i], .iov_len = sizeof rooms[i]};
        headers[i].msg_hdr = (struct msghdr){.msg_name = &names[i],
                                             .msg_namelen = sizeof names[i],
                                             .msg_iov = &iov[i],
                                             .msg_iovlen = 1,
                                             .msg_control = control[i],
                                             .msg_controllen = sizeof control[i]};
    }
}

static int drain_batch(int b) {
    while (recvmmsg(b, headers, MOST, MSG_DONTWAIT, NULL) > 0) {
        prepare();
    }
    return errno == EAGAIN ? 0 : -1;
}

/* Timed: count datagrams out, joined; not timed: received. */
int64_t batch_send(int64_t n, int a, int b, int port, int count, int size) {
    struct sockaddr_in to = loopback(port);
    int64_t spent = 0;
    prepare();
    set_gro(b, 1);
    for (int64_t i = 0; i < n; i++) {
        int64_t begin = now_ns();
        if (send_all_joined(a, &to, count, size) < 0) {
            return -errno;
        }
        spent += now_ns() - begin;
        if (drain_batch(b) < 0) {
            return -errno;
        }
    }
    return spent;
}

/* Not timed: count datagrams out, joined where gro says; timed: received. */
int64_t batch_receive(int64_t n, int a, int b, int port, int count, int size, int gro) {
    struct sockaddr_in to = loopback(port);
    int64_t spent = 0;
    set_gro(b, gro);
    for (int64_t i = 0; i < n; i++) {
        prepare();
        for (int k = 0; !gro && k < count; k++) {
            if (sendto(a, data, (size_t)size, 0, (struct sockaddr *)&to, sizeof to) != size) {
                return -errno;
            }
        }
        if (gro && send_all_joined(a, &to, count, size) < 0) {
            return -errno;
        }
        int64_t begin = now_ns();
        if (recvmmsg(b, headers, MOST, 0 | MSG_WAITFORONE, NULL) < 1) {
            return -errno;
        }
        spent += now_ns() - begin;
        if (drain_batch(b) < 0) {
            return -errno;
        }
    }
    return spent;
}

/* Not timed: count datagrams to the echo; timed: received there and sent back. */
int64_t batch_echo(int64_t n, int a, int b, int port, int count, int size) {
    struct sockaddr_in to = loopback(port);
    int64_t spent = 0;
    set_gro(a, 1);
    set_gro(b, 1);
    for (int64_t i = 0; i < n; i++) {
        prepare();
        if (send_all_joined(a, &to, count, size) < 0) {
            return -errno;
        }
        int64_t begin = now_ns();
        int came = recvmmsg(b, headers, MOST, MSG_WAITFORONE, NULL);
        if (came < 1) {
            return -errno;
        }
        for (int k = 0; k < came; k++) {
            struct msghdr *msg = &headers[k].msg_hdr;
            iov[k].iov_len = headers[k].msg_len;
            struct cmsghdr *told = CMSG_FIRSTHDR(msg);
            if (told != NULL) {
                int segment;
                memcpy(&segment, CMSG_DATA(told), sizeof segment);
                uint16_t wide = (uint16_t)segment;
                told->cmsg_type = UDP_SEGMENT;
                told->cmsg_len = CMSG_LEN(sizeof wide);
                memcpy(CMSG_DATA(told), &wide, sizeof wide);
                msg->msg_controllen = CMSG_SPACE(sizeof wide);
            }
        }
        if (sendmmsg(b, headers, (unsigned)came, 0) != came) {
            return -errno;
        }
        spent += now_ns() - begin;
        prepare();
        if (drain_batch(a) < 0) {
            return -errno;
        }
    }
    return spent;
}

/* One datagram to each of the ports, by one system call. */
int64_t batch_send_peers(int64_t n, int a, int b, int first, int count, int size) {
    int64_t spent = 0;
    (void)b;
    for (int64_t i = 0; i < n; i++) {
        prepare();
        for (int k = 0; k < count; k++) {
            names[k] = loopback(first);
            names[k].sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)k);
            iov[k].iov_len = (size_t)size;
            headers[k].msg_hdr.msg_control = NULL;
            headers[k].msg_hdr.msg_controllen = 0;
        }
        int64_t begin = now_ns();
        if (sendmmsg(a, headers, (unsigned)count, 0) != count) {
            return -errno;
        }
        spent += now_ns() - begin;
        prepare();
        if (drain_batch(b) < 0) {
            return -errno;
        }
    }
    return spent;
}
