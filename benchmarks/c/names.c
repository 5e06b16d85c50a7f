/* Numeric hosts and addresses through the C library's own functions. */
#include "loops.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

int64_t numeric_getaddrinfo(int64_t n, const char *host) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    for (int64_t i = 0; i < n; i++) {
        struct addrinfo *found;
        if (getaddrinfo(host, "80", &hints, &found) != 0) {
            return -EINVAL;
        }
        freeaddrinfo(found);
    }
    return 0;
}

/* gethostbyname(3) itself would open files for it; Python does not call it either. */
int64_t numeric_gethostbyname(int64_t n, const char *host) {
    char text[INET_ADDRSTRLEN];
    for (int64_t i = 0; i < n; i++) {
        struct in_addr packed;
        if (!inet_aton(host, &packed) || !inet_ntop(AF_INET, &packed, text, sizeof text)) {
            return -EINVAL;
        }
    }
    return 0;
}

int64_t many_inet_aton(int64_t n, const char *host) {
    struct in_addr packed;
    for (int64_t i = 0; i < n; i++) {
        if (!inet_aton(host, &packed)) {
            return -EINVAL;
        }
    }
    return 0;
}

int64_t many_inet_ntoa(int64_t n, const char *host) {
    struct in_addr packed;
    inet_aton(host, &packed);
    for (int64_t i = 0; i < n; i++) {
        if (inet_ntoa(packed) == NULL) {
            return -EINVAL;
        }
    }
    return 0;
}

int64_t many_inet_pton(int64_t n, int family, const char *host) {
    unsigned char packed[sizeof(struct in6_addr)];
    for (int64_t i = 0; i < n; i++) {
        if (inet_pton(family, host, packed) != 1) {
            return -EINVAL;
        }
    }
    return 0;
}

int64_t many_inet_ntop(int64_t n, int family, const char *host) {
    unsigned char packed[sizeof(struct in6_addr)];
    char text[INET6_ADDRSTRLEN];
    inet_pton(family, host, packed);
    for (int64_t i = 0; i < n; i++) {
        if (inet_ntop(family, packed, text, sizeof text) == NULL) {
            return -EINVAL;
        }
    }
    return 0;
}
