#include "ps_addr.h"

#include <arpa/inet.h>

#ifdef PS_HAVE_SA_LEN
#define SET_SA_LEN(addr, n) ((addr)->sa.sa_len = (uint8_t)(n))
#else
#define SET_SA_LEN(addr, n) ((void)(addr), (void)(n))
#endif

int ps_addr_pack_inet(ps_sockaddr *addr, const char *host, uint16_t port) {
    memset(&addr->in, 0, sizeof addr->in);
    if (inet_pton(AF_INET, host, &addr->in.sin_addr) != 1) {
        return -EINVAL;
    }
    SET_SA_LEN(addr, sizeof addr->in);
    addr->in.sin_family = AF_INET;
    addr->in.sin_port = htons(port);
    return (int)sizeof addr->in;
}

int ps_addr_pack_inet6(ps_sockaddr *addr, const char *host, uint16_t port, uint32_t flowinfo,
                       uint32_t scope_id) {
    memset(&addr->in6, 0, sizeof addr->in6);
    if (inet_pton(AF_INET6, host, &addr->in6.sin6_addr) != 1) {
        return -EINVAL;
    }
    SET_SA_LEN(addr, sizeof addr->in6);
    addr->in6.sin6_family = AF_INET6;
    addr->in6.sin6_port = htons(port);
    addr->in6.sin6_flowinfo = htonl(flowinfo);
    addr->in6.sin6_scope_id = scope_id;
    return (int)sizeof addr->in6;
}

int ps_addr_pack_unix(ps_sockaddr *addr, const char *path, size_t len) {
    const size_t room = sizeof addr->un.sun_path;
    size_t used = len;
#ifdef PS_HAVE_ABSTRACT_UNIX
    const int abstract = len == 0 || path[0] == '\0';
#else
    const int abstract = 0;
#endif
    if (!abstract) {
        if (memchr(path, '\0', len) != NULL) {
            return -EINVAL;
        }
        used = len + 1; /* the address of a path includes its NUL */
    }
    if (used > room) {
        return -ENAMETOOLONG;
    }
    memset(&addr->un, 0, sizeof addr->un);
    addr->un.sun_family = AF_UNIX;
    memcpy(addr->un.sun_path, path, len);
    SET_SA_LEN(addr, offsetof(struct sockaddr_un, sun_path) + used);
    return (int)(offsetof(struct sockaddr_un, sun_path) + used);
}

size_t ps_addr_dotted_quad(const uint8_t quad[4], char text[PS_HOST_TEXT]) {
    /* This loop is several times as fast as glibc's inet_ntop, which calls sprintf. */
    char *p = text;
    for (int i = 0; i < 4; i++) {
        unsigned byte = quad[i];
        if (byte >= 100) {
            *p++ = (char)('0' + byte / 100);
        }
        if (byte >= 10) {
            *p++ = (char)('0' + byte / 10 % 10);
        }
        *p++ = (char)('0' + byte % 10);
        *p++ = '.';
    }
    *--p = '\0';
    return (size_t)(p - text);
}

size_t ps_addr_host(const ps_sockaddr *addr, char text[PS_HOST_TEXT]) {
    if (addr->sa.sa_family == AF_INET) {
        return ps_addr_dotted_quad((const uint8_t *)&addr->in.sin_addr, text);
    }
    inet_ntop(AF_INET6, &addr->in6.sin6_addr, text, PS_HOST_TEXT);
    return strlen(text);
}

size_t ps_addr_path(const ps_sockaddr *addr, socklen_t namelen, const char **path) {
    const size_t header = offsetof(struct sockaddr_un, sun_path);
    *path = addr->un.sun_path;
    if (namelen <= header) {
        return 0;
    }
    size_t len = namelen - header;
    if (len > sizeof addr->storage - header) {
        len = sizeof addr->storage - header;
    }
#ifdef PS_HAVE_ABSTRACT_UNIX
    if ((*path)[0] == '\0') {
        return len;
    }
#endif
    return strnlen(*path, len);
}
