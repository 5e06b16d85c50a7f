/* Echo servers and their clients: by threads that block, and by one thread with epoll. */
#include "loops.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MESSAGE = 4096, EVENTS = 256 };

/* One end of a connection, and how many messages of which size pass through it. */
struct end {
    int fd;
    int size;
    int64_t messages;
    int64_t outcome;
};

static void *echo(void *argument) {
    struct end *end = argument;
    char data[MESSAGE];
    for (int64_t i = 0; i < end->messages; i++) {
        ssize_t came = recv(end->fd, data, sizeof data, 0);
        if (came <= 0 || send(end->fd, data, (size_t)came, 0) != came) {
            end->outcome = failure(came);
            break;
        }
    }
    return NULL;
}

static void *ask(void *argument) {
    struct end *end = argument;
    char data[MESSAGE] = {0};
    for (int64_t i = 0; i < end->messages; i++) {
        ssize_t sent = send(end->fd, data, (size_t)end->size, 0);
        ssize_t came = sent == end->size ? recv(end->fd, data, sizeof data, 0) : sent;
        if (came != end->size) {
            end->outcome = failure(came);
            break;
        }
    }
    return NULL;
}

/* Round trips to whoever answers at the other end. */
int64_t ping_pong(int64_t n, int fd, int size) {
    struct end end = {.fd = fd, .size = size, .messages = n};
    ask(&end);
    return end.outcome;
}

/* Round trips to a thread that blocks in recv. */
int64_t echo_thread(int64_t n, int client, int served, int size) {
    struct end end = {.fd = served, .messages = n};
    pthread_t thread;
    int error = pthread_create(&thread, NULL, echo, &end);
    if (error) {
        return -error;
    }
    int64_t outcome = ping_pong(n, client, size);
    if (outcome < 0) {
        shutdown(client, SHUT_RDWR);
    }
    pthread_join(thread, NULL);
    return outcome;
}

/* n round trips by each of the clients, every connection with a serving thread. fds holds
 * the clients' ends, then the served ends. Holds the clock: starting threads is not counted. */
int64_t echo_threads(int64_t n, const int *fds, int clients, int size) {
    struct end *ends = calloc((size_t)clients * 2, sizeof *ends);
    pthread_t *threads = calloc((size_t)clients * 2, sizeof *threads);
    if (ends == NULL || threads == NULL) {
        free(ends);
        free(threads);
        return -ENOMEM;
    }
    int64_t outcome = 0, begin = 0;
    for (int i = 2 * clients - 1; i >= 0; i--) { /* the servers first */
        ends[i] = (struct end){.fd = fds[i], .size = size, .messages = n};
        if (i == clients - 1) {
            begin = now_ns();
        }
        if (pthread_create(&threads[i], NULL, i < clients ? ask : echo, &ends[i]) != 0) {
            abort();
        }
    }
    for (int i = 0; i < 2 * clients; i++) {
        pthread_join(threads[i], NULL);
        outcome = ends[i].outcome ? ends[i].outcome : outcome;
    }
    int64_t ns = now_ns() - begin;
    free(ends);
    free(threads);
    return outcome ? outcome : ns;
}

/* n requests over many connections at once, each of which has one on its way. */
int64_t echo_load(int64_t n, const int *fds, int connections, int size) {
    struct epoll_event events[EVENTS];
    char data[MESSAGE] = {0};
    int64_t sent = 0, answered = 0, outcome = 0;
    int poll = epoll_create1(EPOLL_CLOEXEC);
    if (poll < 0) {
        return -errno;
    }
    for (int i = 0; i < connections; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fds[i]};
        epoll_ctl(poll, EPOLL_CTL_ADD, fds[i], &event);
        if (sent < n && send(fds[i], data, (size_t)size, 0) == size) {
            sent++;
        }
    }
    while (outcome == 0 && answered < sent) {
        int ready = epoll_wait(poll, events, EVENTS, 5000);
        if (ready <= 0) {
            outcome = ready < 0 ? -errno : -ETIMEDOUT;
        }
        for (int i = 0; outcome == 0 && i < ready; i++) {
            int fd = events[i].data.fd;
            ssize_t came = recv(fd, data, sizeof data, 0);
            if (came != size) {
                outcome = failure(came);
                break;
            }
            answered++;
            if (sent < n) {
                ssize_t went = send(fd, data, (size_t)size, 0);
                outcome = went == size ? 0 : failure(went);
                sent++;
            }
        }
    }
    close(poll);
    return outcome;
}

/* The echo server that asyncio is compared with: accepts and echoes until it is killed. */
int64_t serve_echo(int64_t n, int listener) {
    struct epoll_event events[EVENTS], event = {.events = EPOLLIN, .data.fd = listener};
    char data[MESSAGE];
    int poll = epoll_create1(EPOLL_CLOEXEC);
    (void)n;
    if (poll < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event) < 0) {
        return -errno;
    }
    for (;;) {
        int ready = epoll_wait(poll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                event.data.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
                epoll_ctl(poll, EPOLL_CTL_ADD, event.data.fd, &event);
                continue;
            }
            ssize_t came = recv(fd, data, sizeof data, 0);
            if (came <= 0 || send(fd, data, (size_t)came, 0) != came) {
                close(fd);
            }
        }
    }
}
