/* csrc's batch and control-message code by itself, under the sanitizers: test_csrc.py. */
#include "ps_batch.h"
#include "ps_cmsg.h"
#include "ps_meta.h"

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

enum { PIECES = 300 };

static char memory[1 << 20];
static ps_sockaddr to;

static int udp(ps_sockaddr *name) {
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    int room = 1 << 23;
    socklen_t len = sizeof name->in;
    CHECK(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    memset(name, 0, sizeof *name);
    name->in.sin_family = AF_INET;
    name->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(fd, &name->sa, sizeof name->in) == 0);
    CHECK(getsockname(fd, &name->sa, &len) == 0);
    return fd;
}

/* Whether the control data of a plain sendmsg(2) reaches the kernel: qemu's emulation of another
 * byte order hands UDP_SEGMENT's over as it is. */
static int has_udp_segment(int a, int b) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(uint16_t))];
    } control;
    const uint16_t segment = 1;
    char data[2] = {1, 2};
    struct iovec iov = {.iov_base = data, .iov_len = sizeof data};
    struct msghdr msg = {.msg_name = &to,
                         .msg_namelen = sizeof to.in,
                         .msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = sizeof control};
    int datagrams = 0;
    memset(&control, 0, sizeof control);
    control.header.cmsg_level = SOL_UDP;
    control.header.cmsg_type = UDP_SEGMENT;
    control.header.cmsg_len = CMSG_LEN(sizeof segment);
    memcpy(CMSG_DATA(&control.header), &segment, sizeof segment);
    sendmsg(a, &msg, 0);
    while (recv(b, data, sizeof data, MSG_DONTWAIT) > 0) {
        datagrams++;
    }
    return datagrams == 2;
}

/* Send the pieces, receive them all, and compare with what they say. */
static void there_and_back(int a, int b, const ps_piece *pieces, size_t count, size_t segments,
                           size_t slots, size_t room, int one_by_one) {
    ps_outbox *out = malloc(sizeof *out);
    ps_inbox in;
    char *arena = malloc(slots * room);
    CHECK(out != NULL && arena != NULL);
    ps_outbox_init(out, &a, pieces, count, segments);
    out->one_by_one = one_by_one;
    ps_io io = {.buf = out};
    while (out->at.piece < count) {
        CHECK(ps_send_batch(a, &io, MSG_DONTWAIT) > 0);
    }
    CHECK(ps_send_batch(a, &io, MSG_DONTWAIT) == 0);
    size_t expected = 0;
    for (size_t i = 0; i < count; i++) {
        size_t size = pieces[i].segment;
        expected += size > 0 ? (pieces[i].len + size - 1) / size : 1;
    }
    CHECK(out->sent == expected);

    CHECK(ps_inbox_init(&in, slots) == 0);
    CHECK(ps_inbox_lay(&in, arena, slots * room, room) == 0);
    CHECK(ps_inbox_lay(&in, arena, slots * room - 1, room) == -EINVAL);
    CHECK(ps_inbox_lay(&in, arena, slots * room, SIZE_MAX / 2) == -EINVAL);
    in.family = AF_INET;
    io.buf = &in;
    size_t piece = 0, offset = 0, came = 0;
    while (ps_recv_batch(b, &io, MSG_DONTWAIT) > 0) {
        ps_arrival arrival;
        for (size_t i = 0; ps_inbox_arrival(&in, i, &arrival) == 0; i++) {
            CHECK(arrival.data >= arena && arrival.data + arrival.len <= arena + slots * room);
            for (size_t k = 0; k < arrival.datagrams; k++, came++) {
                const ps_piece *from = &pieces[piece];
                size_t left = from->len - offset;
                size_t size = from->segment > 0 && from->segment < left ? from->segment : left;
                size_t at = k * arrival.segment;
                size_t got =
                    arrival.len - at < arrival.segment ? arrival.len - at : arrival.segment;
                CHECK(got == (size < room ? size : room));
                CHECK(arrival.truncated == (size > room));
                CHECK(memcmp(arrival.data + at, from->data + offset, got) == 0);
                offset += size;
                if (offset == from->len) {
                    piece++;
                    offset = 0;
                }
            }
        }
        CHECK(ps_inbox_arrival(&in, in.came, &arrival) == -EINVAL);
    }
    CHECK(came == expected);
    ps_inbox_free(&in);
    free(arena);
    free(out);
}

static void boundaries(int a, int b, size_t most) {
    static const size_t sizes[] = {0, 1, 499, 500, 501, 32753, 32754, 65507};
    static const size_t counts[] = {1, 63, 64, 65, 129};
    ps_piece pieces[PIECES];
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            size_t count = counts[c] * sizes[s] > 100000 ? 3 : counts[c];
            for (size_t i = 0; i < count; i++) {
                pieces[i] = (ps_piece){
                    .data = memory + i, .len = sizes[s], .name = &to, .namelen = sizeof to.in};
            }
            pieces[count - 1].len /= 2;
            for (size_t segments = 1; segments <= most; segments *= 8) {
                there_and_back(a, b, pieces, count, segments, 7, 65535, (int)c & 1);
                there_and_back(a, b, pieces, count, segments, 64, 65535, (int)c & 1);
            }
        }
    }
}

static void at_random(int a, int b, size_t most) {
    static const size_t sizes[] = {0, 1, 2, 100, 100, 100, 101, 1400, 9000};
    ps_piece pieces[PIECES];
    srand(1);
    for (int round = 0; round < 300; round++) {
        size_t count = 1 + (size_t)rand() % 8; /* as much as an unprivileged socket has room for */
        for (size_t i = 0; i < count; i++) {
            size_t segment = rand() % 3 ? 0 : 50 + (size_t)rand() % 200;
            size_t len = segment > 0 ? 1 + (size_t)rand() % 1500 : sizes[(size_t)rand() % 9];
            pieces[i] = (ps_piece){.data = memory + rand() % 1000,
                                   .len = len,
                                   .segment = segment,
                                   .name = &to,
                                   .namelen = sizeof to.in};
        }
        size_t segments = 1 + (size_t)rand() % most;
        there_and_back(a, b, pieces, count, segments, 1 + (size_t)rand() % 64, 65535, rand() & 1);
    }
}

static void errors(int a) {
    ps_outbox *out = malloc(sizeof *out);
    ps_piece pieces[3] = {{.data = memory, .len = 3, .name = &to, .namelen = sizeof to.in},
                          {.data = memory, .len = 65508, .name = &to, .namelen = sizeof to.in},
                          {.data = memory, .len = 3, .name = &to, .namelen = sizeof to.in}};
    CHECK(out != NULL);
    for (int one_by_one = 0; one_by_one < 2; one_by_one++) {
        ps_outbox_init(out, &a, pieces, 3, 64);
        out->one_by_one = one_by_one;
        ps_io io = {.buf = out};
        CHECK(ps_send_batch(a, &io, 0) == 1);
        CHECK(ps_send_batch(a, &io, 0) == -EMSGSIZE && out->error == EMSGSIZE);
        CHECK(out->at.piece == 1 && out->sent == 1 && out->bytes == 3 && !out->refused);
    }
    int on = 1;
    CHECK(setsockopt(a, SOL_SOCKET, SO_NO_CHECK, &on, sizeof on) == 0);
    pieces[1].len = 3;
    ps_outbox_init(out, &a, pieces, 3, 64);
    ps_io io = {.buf = out};
    while (out->sent < 3) {
        CHECK(ps_send_batch(a, &io, 0) > 0 && out->refused && out->segments == 1);
    }
    CHECK(out->sent == 3 && out->bytes == 9);
    CHECK(ps_send_batch(-1, &io, 0) == 0);
    ps_outbox_init(out, &a, pieces, 3, 64);
    CHECK(ps_send_batch(-1, &io, 0) == -EBADF);
    free(out);
}

int main(void) {
    ps_sockaddr from;
    int a = udp(&from), b = udp(&to);
    int on = 1;
    for (size_t i = 0; i < sizeof memory; i++) {
        memory[i] = (char)(i * 31 + i / 251);
    }
    const int has_gso = has_udp_segment(a, b);
    const size_t most = has_gso ? 64 : 1;
    for (int gro = 0; gro <= has_gso; gro++) {
        CHECK(gro == 0 || setsockopt(b, SOL_UDP, UDP_GRO, &on, sizeof on) == 0);
        boundaries(a, b, most);
        at_random(a, b, most);
    }
    errors(a);
    close(a);
    close(b);
    puts(has_gso ? "ok" : "ok, without UDP_SEGMENT: a plain sendmsg(2) has none");
    return 0;
}
