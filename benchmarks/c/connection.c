/* Making and ending sockets and connections, with the system calls that Python makes. */
#include "loops.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

int64_t socket_close(int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0) {
            return -errno;
        }
        close(fd);
    }
    return 0;
}

static int connect_once(int listener, const struct sockaddr_in *to) {
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client < 0) {
        return -errno;
    }
    if (connect(client, (const struct sockaddr *)to, sizeof *to) < 0) {
        close(client);
        return -errno;
    }
    int served = accept4(listener, (struct sockaddr *)&from, &length, SOCK_CLOEXEC);
    int outcome = served < 0 ? -errno : 0;
    close(client);
    if (served >= 0) {
        close(served);
    }
    return outcome;
}

int64_t connect_accept_close(int64_t n, int listener, int port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int outcome = 0;
    for (int64_t i = 0; outcome == 0 && i < n; i++) {
        outcome = connect_once(listener, &to);
    }
    return outcome;
}
