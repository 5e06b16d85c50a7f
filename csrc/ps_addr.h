/* Socket addresses: numeric text and paths <-> struct sockaddr.
 *
 * Only AF_INET, AF_INET6 and AF_UNIX, and only what needs no resolver: the
 * layer above hands every other address to the standard library.
 */
#ifndef PS_ADDR_H
#define PS_ADDR_H

#include "ps_sys.h"

#include <netinet/in.h>
#include <sys/un.h>

typedef union ps_sockaddr {
    struct sockaddr sa;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
    struct sockaddr_storage storage;
} ps_sockaddr;

#define PS_HOST_TEXT INET6_ADDRSTRLEN /* room for any numeric host and its NUL */

/* A filter that pays before any system call: is the family one that csrc packs? */
static inline int ps_addr_family_known(int family) {
    return family == AF_INET || family == AF_INET6 || family == AF_UNIX;
}

/* Pack; the length for bind(2) and its kin, or -EINVAL where host is not a numeric
 * address of that family. host must end in NUL. */
int ps_addr_pack_inet(ps_sockaddr *addr, const char *host, uint16_t port);
int ps_addr_pack_inet6(ps_sockaddr *addr, const char *host, uint16_t port, uint32_t flowinfo,
                       uint32_t scope_id);

/* Pack a path of len bytes, or an abstract name (first byte NUL, or len 0: the kernel picks a
 * name). -ENAMETOOLONG instead of a truncated name; -EINVAL for a path with a NUL inside, which
 * the kernel would cut there. */
int ps_addr_pack_unix(ps_sockaddr *addr, const char *path, size_t len);

/* Numeric text of an AF_INET or AF_INET6 address; its length. */
size_t ps_addr_host(const ps_sockaddr *addr, char text[PS_HOST_TEXT]);

/* The dotted quad of four bytes in network order; its length. */
size_t ps_addr_dotted_quad(const uint8_t quad[4], char text[PS_HOST_TEXT]);

/* The name inside an AF_UNIX address of namelen bytes: *path and its length. An abstract name
 * begins with NUL; an unnamed socket's has length 0. Never reads past namelen. */
size_t ps_addr_path(const ps_sockaddr *addr, socklen_t namelen, const char **path);

#endif
