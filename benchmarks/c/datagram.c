/* Datagrams over IPv4 loopback, one by one, each with its address. */
#include "loops.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

int64_t sendto_recvfrom(int64_t n, int a, int b, int port, int size) {
    char data[65536] = {0};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int64_t i = 0; i < n; i++) {
        struct sockaddr_in from;
        socklen_t length = sizeof from;
        ssize_t sent = sendto(a, data, (size_t)size, 0, (struct sockaddr *)&to, sizeof to);
        if (sent != size) {
            return failure(sent);
        }
        ssize_t came = recvfrom(b, data, sizeof data, 0, (struct sockaddr *)&from, &length);
        if (came != size) {
            return failure(came);
        }
    }
    return 0;
}
