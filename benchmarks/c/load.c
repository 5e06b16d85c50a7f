/* An HTTP client that costs little beside the server under test. */
#include "loops.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* n requests, a connection each, read until the server closes it. */
int64_t http_load(int64_t n, int port, const char *request) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    char data[65536];
    for (int64_t i = 0; i < n; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0) {
            return -errno;
        }
        ssize_t came = send(fd, request, strlen(request), 0);
        int64_t total = 0;
        while (came > 0 && (came = recv(fd, data, sizeof data, 0)) > 0) {
            total += came;
        }
        close(fd);
        if (came < 0 || total == 0) {
            return failure(came);
        }
    }
    return 0;
}
