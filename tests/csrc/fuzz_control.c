/* What a kernel, or anybody, may leave in a control buffer: parsed, and a message split by it.
 *
 * An input: the length that came (4 bytes), the length of the name (2), flags (1), nothing (1), and
 * the control data.
 */
#include "fuzz.h"

#include "ps_batch.h"
#include "ps_cmsg.h"
#include "ps_meta.h"

#include <netinet/in.h>

#define ROOM 65535
#define HEAD 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < HEAD) {
        return 0;
    }
    uint32_t came;
    uint16_t claimed;
    memcpy(&came, data, sizeof came);
    memcpy(&claimed, data + 4, sizeof claimed);
    int flags = data[6];
    data += HEAD;
    size -= HEAD;
    if (size > PS_CONTROL) {
        size = PS_CONTROL;
    }

    ps_inbox inbox;
    char *arena = malloc(ROOM);
    check(arena != NULL && ps_inbox_init(&inbox, 1) == 0);
    check(ps_inbox_lay(&inbox, arena, ROOM, ROOM) == 0);
    struct msghdr *msg = &inbox.headers[0].msg_hdr;
    char *control = exactly(data, size);
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

size_t make_input(uint8_t *input) {
    static const int kinds[][3] = {{SOL_SOCKET, SO_TIMESTAMPNS_OLD, 2 * PS_KERNEL_LONG},
                                   {SOL_SOCKET, SO_TIMESTAMP_OLD, 2 * PS_KERNEL_LONG},
                                   {SOL_SOCKET, SO_TIMESTAMPING_OLD, 6 * PS_KERNEL_LONG},
                                   {SOL_SOCKET, SO_TIMESTAMPNS_NEW, 16},
                                   {SOL_SOCKET, SO_TIMESTAMP_NEW, 16},
                                   {SOL_SOCKET, SO_TIMESTAMPING_NEW, 48},
                                   {SOL_SOCKET, SO_RXQ_OVFL, 4},
                                   {IPPROTO_IP, IP_TOS, 1},
                                   {IPPROTO_IP, IP_PKTINFO, 12},
                                   {IPPROTO_IPV6, IPV6_TCLASS, 4},
                                   {IPPROTO_IPV6, IPV6_PKTINFO, 20},
                                   {SOL_UDP, UDP_GRO, 4}};
    static char bytes[64];
    _Alignas(16) uint8_t control[PS_CONTROL];
    size_t used = 0;
    for (int i = rand() % 6; i > 0; i--) {
        const int *kind = kinds[(size_t)rand() % (sizeof kinds / sizeof *kinds)];
        for (size_t k = 0; k < sizeof bytes; k++) {
            bytes[k] = (char)(rand() % 4 ? 0 : rand());
        }
        ps_cmsg item = {.level = kind[0], .type = kind[1], .data = bytes, .len = (size_t)kind[2]};
        check(ps_cmsg_put(control, sizeof control, &used, &item) == 0);
    }
    for (size_t i = 0; i < HEAD; i++) {
        input[i] = (uint8_t)rand();
    }
    if (rand() % 2) {
        input[2] = input[3] = 0; /* a length that is one */
    }
    memcpy(input + HEAD, control, used);
    return HEAD + used;
}
