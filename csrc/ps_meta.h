/* What control messages say about a datagram: one parser, for batches and for ancdata lists. */
#ifndef PS_META_H
#define PS_META_H

#include "ps_addr.h"
#include "ps_cmsg.h"

enum {
    PS_META_TIMESTAMP = 1,
    PS_META_DESTINATION = 2, /* and the interface */
    PS_META_TOS = 4,
    PS_META_DROPS = 8,
    PS_META_SEGMENT = 16,
};

typedef struct ps_meta {
    unsigned has;            /* PS_META_*: the fields below that were told */
    uint32_t drops;          /* datagrams that the socket has dropped so far (SO_RXQ_OVFL) */
    int64_t timestamp;       /* nanoseconds since 1970 of the arrival */
    ps_sockaddr destination; /* family and address; no port */
    unsigned interface;      /* index of the interface it came in by */
    int tos;                 /* TOS byte or traffic class; the lowest two bits are ECN */
    uint32_t segment;        /* bytes of each datagram but the last of a joined message (UDP_GRO) */
} ps_meta;

/* Add what item tells to meta; an item of another kind, or of a wrong length, adds nothing. */
void ps_meta_add(ps_meta *meta, const ps_cmsg *item);

/* All of a received message's control messages; meta is cleared first. */
void ps_meta_parse(ps_meta *meta, const struct msghdr *msg);

#endif
