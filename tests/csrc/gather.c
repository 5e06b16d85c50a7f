/* ps_gather and ps_io_advance by themselves, under the sanitizers: test_csrc.py. */
#include "ps_io.h"

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* What a kernel does that takes at most some bytes: copy them behind what came before. */
static size_t take(const ps_io *io, size_t most, char *into) {
    struct iovec one = {io->buf, io->len};
    const struct iovec *iov = io->msg != NULL ? io->msg->msg_iov : &one;
    size_t count = io->msg != NULL ? io->msg->msg_iovlen : 1;
    size_t took = 0;
    CHECK(count > 0 && count <= PS_MAX_IOV);
    for (size_t i = 0; i < count && took < most; i++) {
        size_t n = iov[i].iov_len < most - took ? iov[i].iov_len : most - took;
        memcpy(into + took, iov[i].iov_base, n);
        took += n;
    }
    return took;
}

static void there_and_back(size_t count, size_t largest, size_t room_size, size_t most) {
    struct iovec *iov = malloc((count + 1) * sizeof *iov);
    char **owned = malloc((count + 1) * sizeof *owned);
    char *room = malloc(room_size);
    size_t total = 0;
    CHECK(iov != NULL && owned != NULL && room != NULL);
    for (size_t i = 0; i < count; i++) {
        size_t len = (size_t)rand() % 4 == 0 ? 0 : (size_t)rand() % (largest + 1);
        owned[i] = malloc(len > 0 ? len : 1); /* of its own size: a byte more would be seen */
        CHECK(owned[i] != NULL);
        for (size_t k = 0; k < len; k++) {
            owned[i][k] = (char)rand();
        }
        iov[i] = (struct iovec){owned[i], len};
        total += len;
    }
    char *expected = malloc(total + 1), *came = malloc(total + 1);
    CHECK(expected != NULL && came != NULL);
    for (size_t i = 0, at = 0; i < count; at += iov[i++].iov_len) {
        memcpy(expected + at, iov[i].iov_base, iov[i].iov_len);
    }
    size_t at = 0, got = 0;
    while (at < count) {
        struct msghdr msg;
        ps_io io;
        at += ps_gather(&io, &msg, iov + at, count - at, room, room_size);
        while (io.len > 0) {
            size_t n = take(&io, 1 + (size_t)rand() % most, came + got);
            CHECK(n > 0 && got + n <= total);
            ps_io_advance(&io, n);
            got += n;
        }
        CHECK(at == count || got < total || total == 0);
    }
    CHECK(got == total && memcmp(came, expected, total) == 0);
    for (size_t i = 0; i < count; i++) {
        free(owned[i]);
    }
    free(expected), free(came), free(owned), free(room), free(iov);
}

int main(void) {
    srand(1);
    for (int i = 0; i < 400; i++) {
        size_t count = (size_t)rand() % (i % 10 == 0 ? 4000 : 40);
        size_t largest = i % 3 == 0 ? 10 : i % 3 == 1 ? 2 * PS_MAX_COPIED : PS_MAX_COPIED + 1;
        there_and_back(count, largest, PS_MAX_COPIED + (size_t)rand() % 9000, 20000);
        there_and_back(count, largest, 1 << 18, 1 << 20);
        there_and_back(count % 50, largest, PS_MAX_COPIED, 3);
    }
    puts("ok");
}
