from libc.stdint cimport uint8_t, uint16_t, uint32_t

cdef extern from "ps_addr.h" nogil:
    ctypedef unsigned int socklen_t

    enum: AF_INET
    enum: AF_INET6
    enum: AF_UNIX
    enum: PS_HOST_TEXT

    struct in_addr:
        uint32_t s_addr

    struct sockaddr:
        unsigned short sa_family
        char sa_data[14]

    struct sockaddr_in:
        unsigned short sin_family
        uint16_t sin_port
        in_addr sin_addr

    struct sockaddr_in6:
        uint16_t sin6_port
        uint32_t sin6_flowinfo
        uint32_t sin6_scope_id

    ctypedef union ps_sockaddr:
        sockaddr sa
        sockaddr_in in_ "in"
        sockaddr_in6 in6

    bint ps_addr_family_known(int family)
    int ps_addr_pack_inet(ps_sockaddr *addr, const char *host, uint16_t port)
    int ps_addr_pack_inet6(ps_sockaddr *addr, const char *host, uint16_t port,
                           uint32_t flowinfo, uint32_t scope_id)
    int ps_addr_pack_unix(ps_sockaddr *addr, const char *path, size_t len)
    size_t ps_addr_host(const ps_sockaddr *addr, char *text)
    size_t ps_addr_dotted_quad(const uint8_t *quad, char *text)
    size_t ps_addr_path(const ps_sockaddr *addr, socklen_t namelen, const char **path)


cdef extern from "<arpa/inet.h>" nogil:
    uint16_t ntohs(uint16_t n)
    uint16_t htons(uint16_t n)
    uint32_t ntohl(uint32_t n)
    uint32_t htonl(uint32_t n)
    int inet_aton(const char *text, in_addr *out)
    int inet_pton(int family, const char *text, void *out)
    const char *inet_ntop(int family, const void *packed, char *text, socklen_t size)


cdef extern from "<netdb.h>" nogil:
    enum: AI_NUMERICHOST
    enum: AI_NUMERICSERV
    enum: AI_PASSIVE
