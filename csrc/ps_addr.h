/* Conversion of socket addresses: numeric text and paths to struct sockaddr, and back.
 *
 * The families are AF_INET, AF_INET6 and AF_UNIX. A host must be numeric, because a name would need
 * a resolver. For every other address the caller needs another way.
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

PS_SIZE(ps_sockaddr, 128, 128);

#define PS_HOST_TEXT INET6_ADDRSTRLEN /* room for every numeric host and its NUL */

/* Whether the functions below convert addresses of this family. */
static inline int ps_addr_family_known(int family) {
    return family == AF_INET || family == AF_INET6 || family == AF_UNIX;
}

/* Write an address to addr. Returns its length for bind(2), connect(2) and sendto(2), or -EINVAL
 * where host is not a numeric address of that family. host must end in NUL. */
int ps_addr_pack_inet(ps_sockaddr *addr, const char *host, uint16_t port);
int ps_addr_pack_inet6(ps_sockaddr *addr, const char *host, uint16_t port, uint32_t flowinfo,
                       uint32_t scope_id);

/* Write the address of a path of len bytes, or of an abstract name, whose first byte is NUL. With a
 * len of 0 bind(2) chooses an abstract name. Returns the address's length, -ENAMETOOLONG where
 * sun_path has no room for the name, or -EINVAL for a path with a NUL in it, because the kernel
 * would end the path there. */
int ps_addr_pack_unix(ps_sockaddr *addr, const char *path, size_t len);

/* Write the numeric text of an AF_INET or AF_INET6 address. Returns the text's length. */
size_t ps_addr_host(const ps_sockaddr *addr, char text[PS_HOST_TEXT]);

/* Write the dotted quad of four bytes in network order. Returns the text's length. */
size_t ps_addr_dotted_quad(const uint8_t quad[4], char text[PS_HOST_TEXT]);

/* Find the name in an AF_UNIX address of namelen bytes. Sets *path and returns the name's length: 0
 * for an unnamed socket. An abstract name begins with NUL. Reads at most namelen bytes. */
size_t ps_addr_path(const ps_sockaddr *addr, socklen_t namelen, const char **path);

#endif
