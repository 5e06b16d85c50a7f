/* Clients that always have a question: they show what a server does under load. */
#include "loops.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SIZE = 64, MAX_CONNECTIONS = 256 };

static int ask(int fd, int64_t *asked) {
    char data[SIZE] = {0};
    *asked = now_ns();
    return send(fd, data, SIZE, 0) == SIZE ? 0 : -errno;
}

static int by_size(const void *a, const void *b) {
    int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;
    return (one > other) - (one < other);
}

/* For ms milliseconds, each of the connections asks an echo server again as soon as it has the
 * answer. figures gets the answers a second, and the median and the 99th percentile of their ns. */
int64_t busy_clients(int64_t ms, int port, int connections, double *figures) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct epoll_event events[64];
    int64_t asked[MAX_CONNECTIONS];
    int fds[MAX_CONNECTIONS];
    int64_t count = 0, room = 1 << 16, begin, end;
    int64_t *took = malloc((size_t)room * sizeof *took);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < connections; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
        int on = 1;
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(fds[i], (struct sockaddr *)&to, sizeof to) < 0 ||
            setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0 ||
            epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event) < 0)
            return -errno;
    }
    begin = now_ns();
    end = begin + ms * 1000000;
    for (int i = 0; i < connections; i++)
        if (ask(fds[i], &asked[i]) < 0)
            return -errno;
    while (now_ns() < end) {
        int ready = epoll_wait(epoll, events, 64, 100);
        for (int i = 0; i < ready; i++) {
            uint32_t at = events[i].data.u32;
            char data[SIZE];
            ssize_t came = recv(fds[at], data, SIZE, MSG_WAITALL);
            if (came != SIZE)
                return came < 0 ? -errno : -EPIPE;
            if (count == room) {
                int64_t *more = realloc(took, (size_t)(room *= 2) * sizeof *took);
                if (!more)
                    return -ENOMEM;
                took = more;
            }
            took[count++] = now_ns() - asked[at];
            if (ask(fds[at], &asked[at]) < 0)
                return -errno;
        }
    }
    end = now_ns();
    for (int i = 0; i < connections; i++)
        close(fds[i]);
    close(epoll);
    if (count) {
        qsort(took, (size_t)count, sizeof *took, by_size);
        figures[0] = (double)count * 1e9 / (double)(end - begin);
        figures[1] = (double)took[count / 2];
        figures[2] = (double)took[count * 99 / 100];
    }
    free(took);
    return count ? 0 : -EPIPE;
}
