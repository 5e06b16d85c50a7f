/* What a kernel, or anybody, may leave in a control buffer: parsed, and a message split by it.
 *
 * LLVMFuzzerTestOneInput is libFuzzer's entry point (clang -fsanitize=fuzzer). Without it, built
 * with -DSTANDALONE, main() drives the same function with mutations of valid messages, for the
 * number of seconds that is its argument.
 */
#include "ps_batch.h"
#include "ps_cmsg.h"
#include "ps_meta.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROOM 65535

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds) {
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 8) {
        return 0;
    }
    uint32_t came;
    uint16_t claimed;
    memcpy(&came, data, sizeof came);
    memcpy(&claimed, data + 4, sizeof claimed);
    int flags = data[6];
    data += 8;
    size -= 8;
    if (size > PS_CONTROL) {
        size = PS_CONTROL;
    }

    ps_inbox inbox;
    char *arena = malloc(ROOM);
    check(arena != NULL && ps_inbox_init(&inbox, 1) == 0);
    check(ps_inbox_lay(&inbox, arena, ROOM, ROOM) == 0);
    struct msghdr *msg = &inbox.headers[0].msg_hdr;
    /* Memory of exactly that size, for the sanitizer to see a byte too far. */
    char *control = malloc(size + 1);
    check(control != NULL);
    memcpy(control, data, size);
    msg->msg_control = control;
    msg->msg_controllen = size;
    msg->msg_flags = flags;
    inbox.headers[0].msg_len = came;
    inbox.came = 1;
    inbox.family = AF_INET;

    ps_arrival arrival;
    msg->msg_namelen = claimed;
    check(ps_inbox_arrival(&inbox, 0, &arrival) == 0);
    check(arrival.len <= ROOM && arrival.data == arena && arrival.datagrams >= 1);
    check(arrival.namelen <= sizeof(ps_sockaddr));
    check(arrival.datagrams == 1
              ? arrival.segment == arrival.len
              : arrival.segment > 0 && (arrival.datagrams - 1) * arrival.segment < arrival.len &&
                    arrival.datagrams * arrival.segment >= arrival.len);
    ps_meta meta;
    ps_meta_parse(&meta, msg);
    check(!(meta.has & PS_META_TOS) || (meta.tos >= 0 && meta.tos <= 255));
    check(!(meta.has & PS_META_TIMESTAMP) || meta.timestamp >= 0);
    if (meta.has & PS_META_DESTINATION) {
        char text[PS_HOST_TEXT];
        check(ps_addr_host(&meta.destination, text) < PS_HOST_TEXT);
    }
    free(control);
    free(arena);
    ps_inbox_free(&inbox);
    return 0;
}

#ifdef STANDALONE

static size_t valid(uint8_t *out) {
    static const int kinds[][3] = {{SOL_SOCKET, SCM_TIMESTAMPNS, 16},
                                   {SOL_SOCKET, SO_TIMESTAMP, 16},
                                   {SOL_SOCKET, SCM_TIMESTAMPING, 48},
                                   {SOL_SOCKET, SO_RXQ_OVFL, 4},
                                   {IPPROTO_IP, IP_TOS, 1},
                                   {IPPROTO_IP, IP_PKTINFO, 12},
                                   {IPPROTO_IPV6, IPV6_TCLASS, 4},
                                   {IPPROTO_IPV6, IPV6_PKTINFO, 20},
                                   {SOL_UDP, UDP_GRO, 4}};
    static char bytes[64];
    size_t used = 0;
    for (int i = rand() % 6; i > 0; i--) {
        const int *kind = kinds[rand() % 9];
        for (size_t k = 0; k < sizeof bytes; k++) {
            bytes[k] = (char)(rand() % 4 ? 0 : rand());
        }
        ps_cmsg item = {.level = kind[0], .type = kind[1], .data = bytes, .len = (size_t)kind[2]};
        check(ps_cmsg_put(out, PS_CONTROL, &used, &item) == 0);
    }
    return used;
}

int main(int argc, char **argv) {
    double seconds = argc > 1 ? atof(argv[1]) : 5;
    clock_t begin = clock();
    unsigned long runs = 0;
    _Alignas(16) uint8_t control[PS_CONTROL];
    uint8_t input[8 + PS_CONTROL];
    srand(argc > 2 ? (unsigned)atoi(argv[2]) : 1);
    while ((double)(clock() - begin) / CLOCKS_PER_SEC < seconds) {
        size_t size = valid(control);
        for (size_t i = 0; i < 8; i++) {
            input[i] = (uint8_t)rand();
        }
        if (rand() % 2) {
            input[2] = input[3] = 0; /* a length that is one */
        }
        memcpy(input + 8, control, size);
        for (int flips = rand() % 8; flips > 0 && size > 0; flips--) {
            input[8 + (size_t)rand() % size] = (uint8_t)(rand() % 3 ? rand() : rand() % 40);
        }
        size_t cut = rand() % 3 || size == 0 ? size : (size_t)rand() % size;
        LLVMFuzzerTestOneInput(input, 8 + cut);
        runs++;
    }
    printf("%lu runs\n", runs);
    return 0;
}

#endif
