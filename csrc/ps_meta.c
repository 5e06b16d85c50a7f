#include "ps_meta.h"

#include <netinet/in.h>
#include <sys/time.h>

#define NS_PER_S INT64_C(1000000000)

/* Copy the item's first size bytes to field. Returns 1, or 0 where the item has fewer bytes. A cast
 * of item->data instead of a copy could be misaligned: control data is aligned for a long only, and
 * a caller's own bytes may have any address. */
static int read_field(void *field, size_t size, const ps_cmsg *item) {
    if (item->len < size) {
        return 0;
    }
    memcpy(field, item->data, size);
    return 1;
}

/* Set the timestamp to a number of seconds and a fraction, whose unit has so many nanoseconds. */
static void set_timestamp(ps_meta *meta, int64_t seconds, int64_t fraction, int64_t unit) {
    if (seconds > INT64_MAX / NS_PER_S - 1 || seconds < 0 || fraction < 0 ||
        fraction >= NS_PER_S / unit) {
        return;
    }
    meta->timestamp = seconds * NS_PER_S + fraction * unit;
    meta->has |= PS_META_TIMESTAMP;
}

#ifdef __linux__

/* Add the first time of an item that has count of them. The two numbers of a time have width bytes
 * each. The kernel writes a time of 0 where it has none, as in SO_TIMESTAMPING without a software
 * timestamp; the others of these times are not read. */
static void add_time(ps_meta *meta, const ps_cmsg *item, size_t count, size_t width, int64_t unit) {
    int64_t wide[2];
    int32_t narrow[2];
    if (item->len < count * 2 * width) {
        return;
    }
    if (width == sizeof *narrow) {
        memcpy(narrow, item->data, sizeof narrow);
        wide[0] = narrow[0];
        wide[1] = narrow[1];
    } else {
        memcpy(wide, item->data, sizeof wide);
    }
    if (count == 1 || wide[0] != 0 || wide[1] != 0) {
        set_timestamp(meta, wide[0], wide[1], unit);
    }
}

#endif

static void add_socket_level(ps_meta *meta, const ps_cmsg *item) {
    switch (item->type) {
#ifdef __linux__
    case SO_TIMESTAMPNS_OLD:
        add_time(meta, item, 1, PS_KERNEL_LONG, 1);
        break;
    case SO_TIMESTAMPNS_NEW:
        add_time(meta, item, 1, sizeof(int64_t), 1);
        break;
    case SO_TIMESTAMP_OLD:
        add_time(meta, item, 1, PS_KERNEL_LONG, 1000);
        break;
    case SO_TIMESTAMP_NEW:
        add_time(meta, item, 1, sizeof(int64_t), 1000);
        break;
    case SO_TIMESTAMPING_OLD: /* by software, unused, by hardware */
        add_time(meta, item, 3, PS_KERNEL_LONG, 1);
        break;
    case SO_TIMESTAMPING_NEW:
        add_time(meta, item, 3, sizeof(int64_t), 1);
        break;
#elif defined(SCM_TIMESTAMP)
    case SCM_TIMESTAMP: {
        struct timeval at;
        if (read_field(&at, sizeof at, item)) {
            set_timestamp(meta, at.tv_sec, at.tv_usec, 1000);
        }
        break;
    }
#endif
#ifdef SO_RXQ_OVFL
    case SO_RXQ_OVFL:
        if (read_field(&meta->drops, sizeof meta->drops, item)) {
            meta->has |= PS_META_DROPS;
        }
        break;
#endif
    default:
        break;
    }
}

static void add_inet(ps_meta *meta, const ps_cmsg *item) {
    uint8_t tos;
    switch (item->type) {
    case IP_TOS:
#ifdef IP_RECVTOS
    case IP_RECVTOS: /* the type of the control message on FreeBSD */
#endif
        if (read_field(&tos, sizeof tos, item)) {
            meta->tos = tos;
            meta->has |= PS_META_TOS;
        }
        break;
#ifdef IP_PKTINFO
    case IP_PKTINFO: {
        struct in_pktinfo info;
        if (read_field(&info, sizeof info, item)) {
            memset(&meta->destination.in, 0, sizeof meta->destination.in);
            meta->destination.in.sin_family = AF_INET;
            meta->destination.in.sin_addr = info.ipi_addr;
            meta->interface = (unsigned)info.ipi_ifindex;
            meta->has |= PS_META_DESTINATION;
        }
        break;
    }
#endif
    default:
        break;
    }
}

static void add_inet6(ps_meta *meta, const ps_cmsg *item) {
    switch (item->type) {
#ifdef IPV6_TCLASS
    case IPV6_TCLASS: {
        int tos;
        if (read_field(&tos, sizeof tos, item)) {
            meta->tos = tos & 0xFF;
            meta->has |= PS_META_TOS;
        }
        break;
    }
#endif
#ifdef IPV6_PKTINFO
    case IPV6_PKTINFO: {
        struct in6_pktinfo info;
        if (read_field(&info, sizeof info, item)) {
            memset(&meta->destination.in6, 0, sizeof meta->destination.in6);
            meta->destination.in6.sin6_family = AF_INET6;
            meta->destination.in6.sin6_addr = info.ipi6_addr;
            meta->interface = info.ipi6_ifindex;
            meta->has |= PS_META_DESTINATION;
        }
        break;
    }
#endif
    default:
        break;
    }
}

void ps_meta_add(ps_meta *meta, const ps_cmsg *item) {
    if (item->level == SOL_SOCKET) {
        add_socket_level(meta, item);
    } else if (item->level == IPPROTO_IP) {
        add_inet(meta, item);
    } else if (item->level == IPPROTO_IPV6) {
        add_inet6(meta, item);
    }
#ifdef PS_HAVE_UDP_SEGMENT
    else if (item->level == SOL_UDP && item->type == UDP_GRO) {
        int segment;
        if (read_field(&segment, sizeof segment, item) && segment > 0) {
            meta->segment = (uint32_t)segment;
            meta->has |= PS_META_SEGMENT;
        }
    }
#endif
}

void ps_meta_parse(ps_meta *meta, const struct msghdr *msg) {
    struct cmsghdr *cursor = NULL;
    ps_cmsg item;
    int truncated = 0;
    memset(meta, 0, offsetof(ps_meta, destination));
    meta->interface = 0;
    meta->tos = 0;
    meta->segment = 0;
    while (ps_cmsg_next(msg, &cursor, &item, &truncated)) {
        if (truncated) {
            break; /* the control buffer was too small: the last message is incomplete */
        }
        ps_meta_add(meta, &item);
    }
}
