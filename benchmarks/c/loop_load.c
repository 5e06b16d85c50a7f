/* Clients of the servers of an event loop, in C: datagrams, and connections of one request. */
#include "loops.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DATAGRAM = 2048, MAX_EVENTS = 256 };

static struct sockaddr_in loopback(int port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return to;
}

/* n datagrams from connected sockets to a server that echoes them; each has in_flight on their way.
 */
int64_t datagram_load(int64_t n, const int *fds, int peers, int size, int in_flight) {
    struct epoll_event events[MAX_EVENTS];
    char data[DATAGRAM] = {0};
    int64_t sent = 0, answered = 0, outcome = 0;
    int poll = epoll_create1(EPOLL_CLOEXEC);
    if (poll < 0) {
        return -errno;
    }
    for (int i = 0; i < peers; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fds[i]};
        epoll_ctl(poll, EPOLL_CTL_ADD, fds[i], &event);
        for (int j = 0; j < in_flight && sent < n; j++) {
            sent += send(fds[i], data, (size_t)size, 0) == size;
        }
    }
    while (outcome == 0 && answered < sent) {
        int ready = epoll_wait(poll, events, MAX_EVENTS, 5000);
        if (ready <= 0) {
            outcome = ready < 0 ? -errno : -ETIMEDOUT;
        }
        for (int i = 0; outcome == 0 && i < ready; i++) {
            int fd = events[i].data.fd;
            int came = 0;
            while (recv(fd, data, sizeof data, MSG_DONTWAIT) >= 0) {
                came++;
            }
            answered += came;
            for (; came > 0 && sent < n; came--) {
                sent += send(fd, data, (size_t)size, 0) == size;
            }
        }
    }
    close(poll);
    return outcome;
}

static int ask_anew(int poll, const struct sockaddr_in *to, int size) {
    char data[DATAGRAM] = {0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof *to) < 0 ||
        send(fd, data, (size_t)size, 0) != size || epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) < 0) {
        return -errno;
    }
    return 0;
}

/* n connections of one request each, at_once of them open at a time. */
int64_t connection_load(int64_t n, int port, int size, int at_once) {
    struct epoll_event events[MAX_EVENTS];
    struct sockaddr_in to = loopback(port);
    char data[DATAGRAM];
    int64_t begun = 0, ended = 0;
    int outcome = 0;
    int poll = epoll_create1(EPOLL_CLOEXEC);
    if (poll < 0) {
        return -errno;
    }
    for (; outcome == 0 && begun < at_once && begun < n; begun++) {
        outcome = ask_anew(poll, &to, size);
    }
    while (outcome == 0 && ended < n) {
        int ready = epoll_wait(poll, events, MAX_EVENTS, 5000);
        if (ready <= 0) {
            outcome = ready < 0 ? -errno : -ETIMEDOUT;
        }
        for (int i = 0; outcome == 0 && i < ready; i++) {
            if (recv(events[i].data.fd, data, sizeof data, 0) != size) {
                outcome = -EIO;
                break;
            }
            /* Without TIME_WAIT, which would use up the ports. */
            struct linger reset = {.l_onoff = 1, .l_linger = 0};
            shutdown(events[i].data.fd, SHUT_WR);
            (void)recv(events[i].data.fd, data, sizeof data, 0); /* the server closes */
            setsockopt(events[i].data.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
            close(events[i].data.fd);
            ended++;
            if (begun < n) {
                outcome = ask_anew(poll, &to, size);
                begun++;
            }
        }
    }
    close(poll);
    return outcome;
}

/* n requests over many connections at once; each answer has a known size, in whatever pieces. */
int64_t request_load(int64_t n, const int *fds, int connections, const char *request, int answer) {
    struct epoll_event events[MAX_EVENTS];
    char data[DATAGRAM];
    size_t size = strlen(request);
    int *left = calloc(65536, sizeof *left);
    int64_t sent = 0, answered = 0, outcome = 0;
    int poll = epoll_create1(EPOLL_CLOEXEC);
    if (poll < 0 || left == NULL) {
        free(left);
        return -ENOMEM;
    }
    for (int i = 0; i < connections; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fds[i]};
        epoll_ctl(poll, EPOLL_CTL_ADD, fds[i], &event);
        if (sent < n && send(fds[i], request, size, 0) == (ssize_t)size) {
            left[fds[i] & 65535] = answer;
            sent++;
        }
    }
    while (outcome == 0 && answered < sent) {
        int ready = epoll_wait(poll, events, MAX_EVENTS, 5000);
        if (ready <= 0) {
            outcome = ready < 0 ? -errno : -ETIMEDOUT;
        }
        for (int i = 0; outcome == 0 && i < ready; i++) {
            int fd = events[i].data.fd;
            ssize_t came = recv(fd, data, sizeof data, 0);
            if (came <= 0) {
                outcome = failure(came);
                break;
            }
            left[fd & 65535] -= (int)came;
            if (left[fd & 65535] > 0) {
                continue;
            }
            answered++;
            if (sent < n) {
                outcome = send(fd, request, size, 0) == (ssize_t)size ? 0 : -EIO;
                left[fd & 65535] = answer;
                sent++;
            }
        }
    }
    free(left);
    close(poll);
    return outcome;
}
