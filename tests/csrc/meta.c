/* ps_meta by itself, under the sanitizers: tests/csrc/test_csrc.py. Timestamps have two forms, and
 * which one a message has does not depend on the time_t of this program. */
#include "ps_meta.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#define NS_PER_S INT64_C(1000000000)

enum { NONE = -1, TRIES = 200 };

/* The timestamp that an item of this type has, whose numbers are count pairs of width bytes: the
 * first pair is given, the others are 1. The item is also cut to every shorter length. */
static int64_t timestamp(int type, size_t width, size_t count, int64_t seconds, int64_t fraction) {
    const size_t len = 2 * count * width;
    char *data = malloc(len);
    int64_t found = NONE;
    CHECK(data != NULL);
    for (size_t i = 0; i < 2 * count; i++) {
        int64_t wide = i == 0 ? seconds : i == 1 ? fraction : 1;
        int32_t narrow = (int32_t)wide;
        memcpy(data + i * width, width == 4 ? (void *)&narrow : (void *)&wide, width);
    }
    for (size_t cut = 0; cut <= len; cut++) {
        char *exact = malloc(cut > 0 ? cut : 1);
        CHECK(exact != NULL);
        memcpy(exact, data, cut);
        ps_meta meta = {0};
        ps_cmsg item = {.level = SOL_SOCKET, .type = type, .data = exact, .len = cut};
        ps_meta_add(&meta, &item);
        CHECK(cut == len || meta.has == 0);
        found = meta.has & PS_META_TIMESTAMP ? meta.timestamp : NONE;
        free(exact);
    }
    free(data);
    return found;
}

static void form(int microseconds, int nanoseconds, int timestamping, size_t width) {
    const int64_t late = width == 4 ? INT32_MAX : INT64_C(1) << 33; /* the years 2038 and 2242 */
    CHECK(timestamp(nanoseconds, width, 1, late, 999999999) == late * NS_PER_S + 999999999);
    CHECK(timestamp(nanoseconds, width, 1, 0, 0) == 0);
    CHECK(timestamp(nanoseconds, width, 1, 1, 1000000000) == NONE);
    CHECK(timestamp(nanoseconds, width, 1, 1, -1) == NONE);
    CHECK(timestamp(nanoseconds, width, 1, -1, 1) == NONE);
    CHECK(timestamp(microseconds, width, 1, late, 999999) == late * NS_PER_S + 999999000);
    CHECK(timestamp(microseconds, width, 1, 1, 1000000) == NONE);
    CHECK(timestamp(microseconds, width, 1, 1, -1) == NONE);
    CHECK(timestamp(timestamping, width, 3, late, 5) == late * NS_PER_S + 5);
    CHECK(timestamp(timestamping, width, 3, 0, 0) == NONE); /* no software timestamp */
    if (width == 8) {
        CHECK(timestamp(nanoseconds, width, 1, INT64_MAX, 0) == NONE);
        CHECK(timestamp(nanoseconds, width, 1, INT64_MAX / NS_PER_S, 0) == NONE);
        CHECK(timestamp(microseconds, width, 1, 1, INT64_MAX) == NONE);
    }
}

/* What the running kernel sends for an option, if it has the option. It begins to stamp what
 * arrives a moment after the first socket has asked. With SO_TIMESTAMPING nothing comes until then.
 */
static void received(int option, int value) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    _Alignas(16) char control[256];
    char data;
    struct iovec iov = {&data, 1};
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct timespec now;
    ps_meta meta;
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
    if (setsockopt(fd, SOL_SOCKET, option, &value, sizeof value) == 0) {
        int left = TRIES;
        do {
            msg.msg_controllen = sizeof control;
            CHECK(sendto(fd, "x", 1, 0, (struct sockaddr *)&at, sizeof at) == 1);
            CHECK(recvmsg(fd, &msg, 0) == 1);
            CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0);
            ps_meta_parse(&meta, &msg);
        } while (!(meta.has & PS_META_TIMESTAMP) && --left > 0 && poll(NULL, 0, 5) == 0);
        int64_t age = (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec - meta.timestamp;
        CHECK(meta.has & PS_META_TIMESTAMP && age > -NS_PER_S && age < 60 * NS_PER_S);
    }
    close(fd);
}

int main(void) {
    const int stamp = 1 << 3 | 1 << 4; /* SOF_TIMESTAMPING_RX_SOFTWARE, _SOFTWARE */
    form(SO_TIMESTAMP_OLD, SO_TIMESTAMPNS_OLD, SO_TIMESTAMPING_OLD, PS_KERNEL_LONG);
    form(SO_TIMESTAMP_NEW, SO_TIMESTAMPNS_NEW, SO_TIMESTAMPING_NEW, 8);
    received(SO_TIMESTAMP_OLD, 1);
    received(SO_TIMESTAMPNS_OLD, 1);
    received(SO_TIMESTAMPING_OLD, stamp);
    received(SO_TIMESTAMP_NEW, 1);
    received(SO_TIMESTAMPNS_NEW, 1);
    received(SO_TIMESTAMPING_NEW, stamp);
    puts("ok");
    return 0;
}
