/* The values that control messages have about a datagram, parsed from what recvmsg(2) wrote. */
#ifndef PS_META_H
#define PS_META_H

#include "ps_addr.h"
#include "ps_cmsg.h"

enum {
    PS_META_TIMESTAMP = 1,
    PS_META_DESTINATION = 2, /* destination and interface */
    PS_META_TOS = 4,
    PS_META_DROPS = 8,
    PS_META_SEGMENT = 16,
};

typedef struct ps_meta {
    unsigned has;            /* PS_META_*: which of the fields below are set */
    uint32_t drops;          /* datagrams that the socket has dropped so far (SO_RXQ_OVFL) */
    int64_t timestamp;       /* when the kernel received it, in nanoseconds since 1970 */
    ps_sockaddr destination; /* family and address; no port */
    unsigned interface;      /* index of the interface that received it */
    int tos;                 /* TOS byte or traffic class; the lowest two bits are ECN */
    uint32_t segment;        /* bytes of each datagram, except the last, that UDP_GRO has joined */
} ps_meta;

PS_OFFSET(ps_meta, timestamp, 8, 8);
PS_OFFSET(ps_meta, interface, 144, 144);
PS_OFFSET(ps_meta, segment, 152, 152);
PS_SIZE(ps_meta, 156, 160);

/* Set the fields of meta that item has values for. An item of an unknown type, or one that is too
 * short for its type, sets none. */
void ps_meta_add(ps_meta *meta, const ps_cmsg *item);

/* Clear meta, and set its fields from all control messages of msg, which recvmsg(2) has filled. */
void ps_meta_parse(ps_meta *meta, const struct msghdr *msg);

#endif
