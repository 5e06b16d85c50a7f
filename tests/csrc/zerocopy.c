/* Zero-copy sends by themselves, under the sanitizers: their notices, whatever they say, their
 * numbers at the end of 32 bits, kept messages in any room, and sends on a real connection. */
#include "ps_errqueue.h"
#include "ps_wait.h"
#include "ps_zerocopy.h"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

enum { ROOM = 512 };

/* Memory of exactly that size, for the sanitizer to see a byte too far. */
static void *copy_of(const void *data, size_t size) {
    void *copy = malloc(size > 0 ? size : 1);
    CHECK(copy != NULL);
    memcpy(copy, data, size);
    return copy;
}

static int parse(const void *control, size_t size, ps_notice *notice) {
    void *copy = copy_of(control, size);
    struct msghdr msg = {.msg_control = copy, .msg_controllen = size};
    int is_notice = ps_notice_parse(&msg, notice);
    free(copy);
    return is_notice;
}

static size_t put(char *control, size_t used, int level, int type, const void *data, size_t len) {
    ps_cmsg item = {.level = level, .type = type, .data = data, .len = len};
    CHECK(ps_cmsg_put(control, ROOM, &used, &item) == 0);
    return used;
}

static struct sock_extended_err said(uint32_t first, uint32_t last, int copied) {
    return (struct sock_extended_err){.ee_origin = SO_EE_ORIGIN_ZEROCOPY,
                                      .ee_code = copied ? SO_EE_CODE_ZEROCOPY_COPIED : 0,
                                      .ee_info = first,
                                      .ee_data = last};
}

static void test_notices(void) {
    _Alignas(16) char control[ROOM];
    char times[48] = {0};
    ps_notice notice;
    struct sock_extended_err error = said(5, 9, 1);
    size_t used = put(control, 0, IPPROTO_IP, IP_RECVERR, &error, sizeof error);
    CHECK(parse(control, used, &notice));
    CHECK(notice.numbers.first == 5 && notice.numbers.last == 9 && notice.copied);

    /* of the other family, after a timestamp, with the offender's address behind it */
    char with_address[sizeof error + sizeof(struct sockaddr_in6)] = {0};
    error = said(UINT32_MAX, 0, 0);
    memcpy(with_address, &error, sizeof error);
    used = put(control, 0, SOL_SOCKET, SCM_TIMESTAMPING, times, sizeof times);
    used = put(control, used, IPPROTO_IPV6, IPV6_RECVERR, with_address, sizeof with_address);
    CHECK(parse(control, used, &notice));
    CHECK(notice.numbers.first == UINT32_MAX && notice.numbers.last == 0 && !notice.copied);

    /* somebody else's, or not enough of one */
    for (unsigned origin = 0; origin < 256; origin++) {
        error = said(1, 1, 0);
        error.ee_origin = (uint8_t)origin;
        used = put(control, 0, IPPROTO_IP, IP_RECVERR, &error, sizeof error);
        CHECK(parse(control, used, &notice) == (origin == SO_EE_ORIGIN_ZEROCOPY));
    }
    error = said(1, 1, 0);
    error.ee_errno = ECONNREFUSED;
    used = put(control, 0, IPPROTO_IP, IP_RECVERR, &error, sizeof error);
    CHECK(!parse(control, used, &notice));
    error = said(1, 1, 0);
    CHECK(!parse(control, put(control, 0, SOL_SOCKET, IP_RECVERR, &error, sizeof error), &notice));
    CHECK(!parse(control, put(control, 0, IPPROTO_IP, IP_TTL, &error, sizeof error), &notice));
    for (size_t len = 0; len < sizeof error; len++) {
        used = put(control, 0, IPPROTO_IP, IP_RECVERR, &error, len);
        CHECK(!parse(control, used, &notice));
    }
    used = put(control, 0, IPPROTO_IP, IP_RECVERR, &error, sizeof error);
    for (size_t cut = 0; cut < used; cut++) {
        CHECK(parse(control, cut, &notice) == (cut >= CMSG_LEN(sizeof error)));
    }
    for (size_t claimed = 0; claimed < 200; claimed++) { /* too little, and more than there is */
        struct cmsghdr *header = (struct cmsghdr *)control;
        header->cmsg_len = claimed == 199 ? SIZE_MAX : claimed;
        CHECK(parse(control, used, &notice) == (claimed >= CMSG_LEN(sizeof error)));
    }
    CHECK(!parse(control, 0, &notice));
}

/* The same by asking for each number: around the place where they begin anew, and far from it. */
static uint32_t counted(ps_range a, ps_range b, uint32_t from) {
    uint32_t common = 0;
    for (uint32_t i = 0; i < 64; i++) {
        uint32_t number = from + i;
        common += number - a.first <= a.last - a.first && number - b.first <= b.last - b.first;
    }
    return common;
}

static void test_ranges(void) {
    static const uint32_t places[] = {0, 1000, UINT32_MAX - 30, UINT32_MAX / 2 - 30};
    for (size_t p = 0; p < 4; p++) {
        for (int i = 0; i < 20000; i++) {
            uint32_t base = places[p];
            ps_range a = {.first = base + (uint32_t)(rand() % 32)};
            ps_range b = {.first = base + (uint32_t)(rand() % 32)};
            a.last = a.first + (uint32_t)(rand() % 32);
            b.last = b.first + (uint32_t)(rand() % 32);
            CHECK(ps_range_overlap(a, b) == counted(a, b, base));
            CHECK(ps_range_overlap(b, a) == counted(a, b, base));
        }
    }
    ps_range all = {.first = 0, .last = UINT32_MAX};
    ps_range some = {.first = UINT32_MAX - 1, .last = 2};
    CHECK(ps_range_overlap(some, some) == 5);
    CHECK(ps_range_overlap(all, some) <= 5); /* hostile: never more than there are */
    CHECK(ps_range_overlap(some, all) <= 5);
}

static int issued(ps_zerocopy *counter, uint64_t sends, uint32_t first, uint32_t last) {
    counter->sends = sends;
    return ps_zerocopy_issued(counter, (ps_range){.first = first, .last = last});
}

static void test_what_was_issued(ps_zerocopy *counter) {
    uint64_t turn = UINT64_C(1) << 32;
    CHECK(!issued(counter, 0, 0, 0));
    CHECK(!issued(counter, 0, UINT32_MAX, UINT32_MAX));
    CHECK(!issued(counter, 0, 0, UINT32_MAX));
    CHECK(issued(counter, 1, 0, 0));
    CHECK(!issued(counter, 1, 0, 1));
    CHECK(!issued(counter, 1, 1, 0));
    CHECK(issued(counter, 10, 3, 9));
    CHECK(!issued(counter, 10, 3, 10));
    CHECK(!issued(counter, 10, 9, 3));
    CHECK(!issued(counter, 10, UINT32_MAX, 3)); /* before the first one */
    CHECK(issued(counter, turn, UINT32_MAX, UINT32_MAX));
    CHECK(!issued(counter, turn, UINT32_MAX, 0));
    CHECK(issued(counter, turn + 3, UINT32_MAX - 2, 2));
    CHECK(!issued(counter, turn + 3, UINT32_MAX - 2, 3));
    CHECK(!issued(counter, turn + 3, 3, 3));
    CHECK(!issued(counter, turn + 3, 0, UINT32_MAX));
    CHECK(!issued(counter, turn + 3, 3, 2)); /* all of them */
    counter->sends = 0;
}

/* A kept message given out, in every amount of room there can be. */
static void test_messages(void) {
    _Alignas(16) char control[ROOM];
    char data[50];
    ps_sockaddr name = {.in = {.sin_family = AF_INET, .sin_port = 7}};
    struct sock_extended_err error = said(1, 2, 0);
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (char)i;
    }
    size_t used = put(control, 0, IPPROTO_IP, IP_RECVERR, &error, sizeof error);
    ps_message message = {.data = data,
                          .len = sizeof data,
                          .control = control,
                          .controllen = used,
                          .name = &name,
                          .namelen = sizeof name.in,
                          .flags = MSG_ERRQUEUE};
    for (size_t room = 0; room < 60; room++) {
        size_t first = room / 3;
        char *parts[3] = {malloc(first + 1), malloc(1), malloc(room - first + 1)};
        struct iovec iov[3] = {{parts[0], first}, {NULL, 0}, {parts[2], room - first}};
        void *control_room = malloc(room + 1);
        void *name_room = malloc(room + 1);
        struct msghdr msg = {.msg_iov = iov,
                             .msg_iovlen = 3,
                             .msg_control = control_room,
                             .msg_controllen = room,
                             .msg_name = name_room,
                             .msg_namelen = (socklen_t)room};
        size_t fits = room < sizeof data ? room : sizeof data;
        CHECK(ps_message_give(&message, &msg) == (ssize_t)fits);
        size_t in_first = first < fits ? first : fits;
        CHECK(memcmp(parts[0], data, in_first) == 0);
        CHECK(memcmp(parts[2], data + in_first, fits - in_first) == 0);
        CHECK(msg.msg_controllen == (room < used ? room : used));
        CHECK(memcmp(control_room, control, msg.msg_controllen) == 0);
        CHECK(msg.msg_namelen == (room < sizeof name.in ? room : sizeof name.in));
        CHECK(memcmp(name_room, &name, msg.msg_namelen) == 0);
        CHECK(msg.msg_flags == (MSG_ERRQUEUE | (room < sizeof data ? MSG_TRUNC : 0) |
                                (room < used ? MSG_CTRUNC : 0)));
        for (int i = 0; i < 3; i++) {
            free(parts[i]);
        }
        free(control_room);
        free(name_room);
    }
    struct msghdr nowhere = {0};
    CHECK(ps_message_give(&message, &nowhere) == 0);
    CHECK(nowhere.msg_flags == (MSG_ERRQUEUE | MSG_TRUNC | MSG_CTRUNC));
}

static void connection(int *a, int *b) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    *a = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(listener, (struct sockaddr *)&at, sizeof at) == 0 && listen(listener, 1) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&at, &len) == 0);
    CHECK(connect(*a, (struct sockaddr *)&at, len) == 0);
    *b = accept(listener, NULL, NULL);
    CHECK(*b >= 0);
    close(listener);
}

/* How many sends the error queue says are done, waiting for all up to the number given. */
static uint32_t reap(int fd, uint32_t most) {
    static ps_error error;
    uint32_t done = 0;
    int64_t deadline = ps_clock() + INT64_C(10000000000);
    while (done < most && ps_wait(fd, 0, deadline) > 0) {
        ps_notice notice;
        while (ps_error_take(fd, &error) >= 0) {
            CHECK(ps_notice_parse(&error.msg, &notice));
            done += notice.numbers.last - notice.numbers.first + 1;
        }
    }
    return done;
}

static ssize_t send_all(ps_zerocopy *counter, int fd, ps_zerocopy_send *job, char *data, size_t len,
                        int flags) {
    *job = (ps_zerocopy_send){
        .io = {.buf = data, .len = len}, .fd_ptr = &fd, .counter = counter, .is_stream = 1};
    return ps_send_zerocopy(fd, &job->io, flags);
}

static void *read_slowly(void *argument) {
    int fd = *(int *)argument;
    char room[30000];
    long sum = 0;
    ssize_t n;
    while ((n = recv(fd, room, sizeof room, 0)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            sum += (unsigned char)room[i];
        }
    }
    return (void *)sum;
}

static void test_a_connection(void) {
    /* All sends together are less than what an ordinary user may lock, which is 8 MiB. */
    static char data[1000000];
    const int room = 100000; /* and one of them is more than the buffers take */
    ps_zerocopy counter;
    ps_zerocopy_send job;
    uint64_t cookie, other;
    long expected = 0;
    void *sum;
    int a, b, c, d;
    pthread_t reader;
    connection(&a, &b);
    CHECK(ps_zerocopy_cookie(-1, &cookie) == -EBADF);
    CHECK(ps_zerocopy_cookie(a, &cookie) == 0 && ps_zerocopy_cookie(b, &other) == 0);
    CHECK(cookie != other);
    CHECK(setsockopt(a, SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == 0);
    CHECK(setsockopt(b, SOL_SOCKET, SO_RCVBUF, &room, sizeof room) == 0);
    CHECK(!ps_zerocopy_init(&counter, -1, 0));
    CHECK(ps_zerocopy_init(&counter, a, cookie) == 1 && ps_zerocopy_is_on(a));
    test_what_was_issued(&counter);
    CHECK(ps_zerocopy_init(&counter, a, cookie) == 0); /* who set it, may have sent, too */

    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (char)(i * 7);
        expected += (unsigned char)data[i];
    }
    struct timeval most = {.tv_usec = 50000};
    CHECK(setsockopt(a, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most) == 0);
    ssize_t sent = send_all(&counter, a, &job, data, sizeof data, 0); /* as much as time allows */
    CHECK(sent > 0 && job.numbered && job.numbers.last + 1 == counter.sends);
    size_t left = sizeof data - (size_t)sent;
    if (left > 0) {
        CHECK(send_all(&counter, a, &job, data + sent, left, MSG_DONTWAIT) == -EAGAIN);
        CHECK(send_all(&counter, a, &job, data + sent, left, 0) == -EAGAIN && !job.numbered);
    }
    CHECK(pthread_create(&reader, NULL, read_slowly, &b) == 0);
    most.tv_usec = 0;
    CHECK(setsockopt(a, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most) == 0);
    CHECK(left == 0 || send_all(&counter, a, &job, data + sent, left, 0) == (ssize_t)left);
    CHECK(reap(a, (uint32_t)counter.sends) == counter.sends);

    /* beside a notice that nobody takes, which is all that poll() tells of */
    CHECK(send_all(&counter, a, &job, data, sizeof data, 0) == sizeof data);
    CHECK(send_all(&counter, a, &job, data, sizeof data, 0) == sizeof data);

    /* another socket under the number: copied, and not counted */
    uint64_t sends = counter.sends;
    connection(&c, &d);
    CHECK(send_all(&counter, c, &job, data, 10, 0) == 10 && !job.numbered);
    ps_zerocopy_forsake(&counter);
    CHECK(send_all(&counter, a, &job, data, 1, 0) == 1 && !job.numbered && counter.sends == sends);
    close(c);
    close(d);

    CHECK(shutdown(a, SHUT_WR) == 0);
    CHECK(pthread_join(reader, &sum) == 0);
    CHECK((long)sum == 3 * expected + (unsigned char)data[0]);
    CHECK(send_all(&counter, a, &job, data, 1, MSG_NOSIGNAL) == -EPIPE);
    CHECK(send_all(&counter, -1, &job, data, 1, 0) == -EBADF);
    ps_zerocopy_free(&counter);
    close(a);
    close(b);
}

enum { SENDERS = 4, EACH = 3000 };

typedef struct sender {
    ps_zerocopy *counter;
    int fd;
    uint32_t numbers[EACH];
} sender;

static void *send_many(void *argument) {
    static char data[2000];
    sender *self = argument;
    for (int i = 0; i < EACH; i++) {
        ps_zerocopy_send job;
        CHECK(send_all(self->counter, self->fd, &job, data, sizeof data, 0) == sizeof data);
        CHECK(job.numbered || job.no_memory);
        self->numbers[i] = job.numbered ? job.numbers.last : UINT32_MAX;
    }
    return NULL;
}

/* Each send has a number of its own, whoever makes it; under the thread sanitizer, too. */
static void test_threads(void) {
    static sender senders[SENDERS];
    static char given[SENDERS * EACH * 2];
    pthread_t threads[SENDERS];
    pthread_t reader;
    ps_zerocopy counter;
    uint64_t cookie;
    uint32_t distinct = 0;
    int a, b;
    connection(&a, &b);
    CHECK(ps_zerocopy_cookie(a, &cookie) == 0 && ps_zerocopy_init(&counter, a, cookie) == 1);
    CHECK(pthread_create(&reader, NULL, read_slowly, &b) == 0);
    for (int i = 0; i < SENDERS; i++) {
        senders[i].counter = &counter;
        senders[i].fd = a;
        CHECK(pthread_create(&threads[i], NULL, send_many, &senders[i]) == 0);
    }
    for (int i = 0; i < SENDERS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        for (int k = 0; k < EACH; k++) {
            uint32_t number = senders[i].numbers[k];
            CHECK(number == UINT32_MAX || (number < sizeof given && !given[number]));
            if (number != UINT32_MAX) {
                given[number] = 1;
                distinct++;
            }
        }
    }
    CHECK(distinct <= counter.sends && reap(a, (uint32_t)counter.sends) == counter.sends);
    CHECK(shutdown(a, SHUT_WR) == 0 && pthread_join(reader, NULL) == 0);
    ps_zerocopy_free(&counter);
    close(a);
    close(b);
}

/* Whether the kernel has the option: qemu's emulation refuses it. */
static int has_zerocopy(void) {
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int outcome = setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof on);
    close(fd);
    return outcome == 0;
}

int main(void) {
    test_notices();
    test_ranges();
    test_messages();
    if (!has_zerocopy()) {
        puts("ok, without SO_ZEROCOPY: the kernel refuses it");
        return 0;
    }
    test_threads();
    test_a_connection();
    puts("ok");
    return 0;
}
