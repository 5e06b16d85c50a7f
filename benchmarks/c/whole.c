/* Whole transfers on a connected stream, whose other end a process of its own feeds or drains. */
#include "loops.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { MAX_IOV = 1024 };

static int64_t receive_all(int fd, char *room, size_t size) {
    size_t got = 0;
    while (got < size) {
        ssize_t came = recv(fd, room + got, size - got, 0);
        if (came < 0 && errno == EAGAIN) {
            struct pollfd wait = {.fd = fd, .events = POLLIN};
            poll(&wait, 1, -1);
            continue;
        }
        if (came <= 0) {
            return failure(came);
        }
        got += (size_t)came;
    }
    return 0;
}

/* Receive size bytes, into memory of their own each time if it is fresh: the CPU time. */
int64_t receive_whole(int64_t n, int fd, int size, int fresh) {
    int64_t outcome = 0;
    char *room = fresh ? NULL : calloc(1, (size_t)size);
    int64_t begin = cpu_ns();
    for (int64_t i = 0; outcome == 0 && i < n; i++) {
        char *into = fresh ? malloc((size_t)size) : room;
        outcome = into == NULL ? -ENOMEM : receive_all(fd, into, (size_t)size);
        if (fresh) {
            free(into);
        }
    }
    int64_t ns = cpu_ns() - begin;
    free(room);
    return outcome < 0 ? outcome : ns;
}

/* Send a buffer of first bytes and count - 1 of size bytes, and receive them unmeasured at b. */
int64_t send_buffers(int64_t n, int a, int b, int count, int size, int first) {
    int64_t outcome = 0, ns = 0;
    size_t total = (size_t)first + (size_t)(count - 1) * (size_t)size;
    char *data = calloc(1, total);
    struct iovec *iov = calloc((size_t)count, sizeof *iov);
    if (data == NULL || iov == NULL) {
        outcome = -ENOMEM;
    }
    for (int64_t i = 0; outcome == 0 && i < n; i++) {
        int64_t begin = now_ns();
        char *at = data;
        for (int k = 0; k < count; k++) {
            iov[k] = (struct iovec){at, (size_t)(k == 0 ? first : size)};
            at += iov[k].iov_len;
        }
        for (int k = 0; outcome == 0 && k < count; k += MAX_IOV) {
            int left = count - k;
            struct msghdr msg = {.msg_iov = iov + k};
            msg.msg_iovlen = (size_t)(left < MAX_IOV ? left : MAX_IOV);
            ssize_t sent = sendmsg(a, &msg, 0);
            outcome = sent > 0 ? 0 : failure(sent);
        }
        ns += now_ns() - begin;
        if (outcome == 0) {
            outcome = receive_all(b, data, total);
        }
    }
    free(iov);
    free(data);
    return outcome < 0 ? outcome : ns;
}
