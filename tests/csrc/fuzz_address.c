/* Addresses, both ways: text and paths into a sockaddr and back, and a sockaddr of any family and
 * length into text.
 *
 * An input: which way (1 byte), a port (2), flow information and scope (4 each), the length that a
 * kernel claims (4), and the text, the path or the sockaddr.
 */
#include "fuzz.h"

#include "ps_addr.h"

#include <arpa/inet.h>

#define HEAD 15
#define UN_HEAD offsetof(struct sockaddr_un, sun_path)

enum { INET, INET6, UNIX, ANY, WAYS };

/* What ps_addr_host says of it is what inet_ntop says, and packs to the same address. */
static void check_host(const ps_sockaddr *addr, int family, const void *packed) {
    char text[PS_HOST_TEXT], expected[PS_HOST_TEXT];
    char *again = NULL;
    ps_sockaddr back;
    size_t len = ps_addr_host(addr, text);
    check(len == strlen(text) && len < PS_HOST_TEXT);
    check(inet_ntop(family, packed, expected, sizeof expected) != NULL);
    check(strcmp(text, expected) == 0);
    again = exactly(text, len + 1);
    if (family == AF_INET) {
        check(ps_addr_pack_inet(&back, again, 0) == (int)sizeof back.in);
        check(memcmp(&back.in.sin_addr, packed, sizeof back.in.sin_addr) == 0);
    } else {
        check(ps_addr_pack_inet6(&back, again, 0, 0, 0) == (int)sizeof back.in6);
        check(memcmp(&back.in6.sin6_addr, packed, sizeof back.in6.sin6_addr) == 0);
    }
    free(again);
}

static void text_of_a_host(int family, const char *host, uint16_t port, uint32_t flowinfo,
                           uint32_t scope_id) {
    uint8_t expected[sizeof(struct in6_addr)];
    int valid = inet_pton(family, host, expected) == 1;
    ps_sockaddr *addr = malloc(sizeof *addr);
    check(addr != NULL);
    memset(addr, 0xAA, sizeof *addr);
    if (family == AF_INET) {
        int n = ps_addr_pack_inet(addr, host, port);
        check(n == (valid ? (int)sizeof addr->in : -EINVAL));
        if (valid) {
            static const uint8_t nothing[sizeof addr->in.sin_zero];
            check(addr->sa.sa_family == AF_INET && ntohs(addr->in.sin_port) == port);
            check(memcmp(&addr->in.sin_addr, expected, sizeof addr->in.sin_addr) == 0);
            check(memcmp(addr->in.sin_zero, nothing, sizeof nothing) == 0);
            check_host(addr, AF_INET, expected);
        }
    } else {
        int n = ps_addr_pack_inet6(addr, host, port, flowinfo, scope_id);
        check(n == (valid ? (int)sizeof addr->in6 : -EINVAL));
        if (valid) {
            check(addr->sa.sa_family == AF_INET6 && ntohs(addr->in6.sin6_port) == port);
            check(ntohl(addr->in6.sin6_flowinfo) == flowinfo);
            check(addr->in6.sin6_scope_id == scope_id);
            check(memcmp(&addr->in6.sin6_addr, expected, sizeof expected) == 0);
            check_host(addr, AF_INET6, expected);
        }
    }
    free(addr);
}

static void path_of_a_socket(const char *path, size_t len) {
    ps_sockaddr *addr = malloc(sizeof *addr);
    const size_t room = sizeof addr->un.sun_path;
    check(addr != NULL);
    memset(addr, 0xAA, sizeof *addr);
    int n = ps_addr_pack_unix(addr, path, len);
    int abstract = len == 0 || path[0] == '\0';
    if (!abstract && memchr(path, '\0', len) != NULL) {
        check(n == -EINVAL);
    } else if (len + !abstract > room) {
        check(n == -ENAMETOOLONG);
    } else {
        const char *back;
        check(n == (int)(UN_HEAD + len + !abstract) && addr->sa.sa_family == AF_UNIX);
        check(ps_addr_path(addr, (socklen_t)n, &back) == len);
        check(back == addr->un.sun_path && memcmp(back, path, len) == 0);
        for (size_t i = len; i < room; i++) {
            check(addr->un.sun_path[i] == '\0');
        }
    }
    free(addr);
}

/* What the kernel hands over: believed as far as there is memory, and not behind namelen. */
static void any_sockaddr(const uint8_t *data, size_t size, socklen_t namelen) {
    ps_sockaddr *addr = calloc(1, sizeof *addr);
    ps_sockaddr *other = malloc(sizeof *other);
    check(addr != NULL && other != NULL);
    memcpy(addr, data, size < sizeof *addr ? size : sizeof *addr);
    char text[PS_HOST_TEXT];
    size_t len = ps_addr_host(addr, text);
    check(len < PS_HOST_TEXT && len == strlen(text));
    if (addr->sa.sa_family == AF_INET) {
        check_host(addr, AF_INET, &addr->in.sin_addr);
    } else {
        check_host(addr, AF_INET6, &addr->in6.sin6_addr);
    }

    const char *path, *same;
    len = ps_addr_path(addr, namelen, &path);
    check(path == addr->un.sun_path && len <= sizeof *addr - UN_HEAD);
    check(len == 0 || len + UN_HEAD <= namelen);
    memset(other, 0xAA, sizeof *other);
    memcpy(other, addr, namelen < sizeof *other ? namelen : sizeof *other);
    check(ps_addr_path(other, namelen, &same) == len && memcmp(path, same, len) == 0);
    free(addr);
    free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < HEAD) {
        return 0;
    }
    uint16_t port;
    uint32_t flowinfo, scope_id, claimed;
    int way = data[0] % WAYS;
    memcpy(&port, data + 1, sizeof port);
    memcpy(&flowinfo, data + 3, sizeof flowinfo);
    memcpy(&scope_id, data + 7, sizeof scope_id);
    memcpy(&claimed, data + 11, sizeof claimed);
    data += HEAD;
    size -= HEAD;
    if (way == ANY) {
        any_sockaddr(data, size, claimed);
    } else if (way == UNIX) {
        char *path = exactly(data, size);
        path_of_a_socket(path, size);
        free(path);
    } else {
        char *host = malloc(size + 1);
        check(host != NULL);
        memcpy(host, data, size);
        host[size] = '\0';
        text_of_a_host(way == INET ? AF_INET : AF_INET6, host, port, flowinfo, scope_id);
        free(host);
    }
    return 0;
}

size_t make_input(uint8_t *input) {
    static const char *const texts[] = {"127.0.0.1",
                                        "255.255.255.255",
                                        "0.0.0.0",
                                        "1.2.3.004",
                                        "::",
                                        "::1",
                                        "fe80::1%eth0",
                                        "::ffff:1.2.3.4",
                                        "2001:db8::8:800:20c:417a",
                                        "/run/socket",
                                        "",
                                        "1:2:3:4:5:6:7:8",
                                        "1:2:3:4:5:6:7::",
                                        "64:ff9b::1.2.3.4"};
    for (size_t i = 0; i < HEAD; i++) {
        input[i] = (uint8_t)rand();
    }
    if (rand() % 2) {
        input[12] = input[13] = input[14] = 0; /* a length that may be one */
    }
    uint8_t *body = input + HEAD;
    size_t size = (size_t)rand() % (sizeof(ps_sockaddr) + 3);
    for (size_t i = 0; i < size; i++) {
        body[i] = (uint8_t)(rand() % 4 ? rand() % 127 + 1 : rand());
    }
    if (rand() % 2) {
        const char *text = texts[(size_t)rand() % (sizeof texts / sizeof *texts)];
        size = strlen(text);
        memcpy(body, text, size);
    } else if (size > 2) {
        static const sa_family_t families[] = {AF_INET, AF_INET6, AF_UNIX, AF_UNSPEC};
        memcpy(body, &families[rand() % 4], sizeof *families);
    }
    return HEAD + size;
}
