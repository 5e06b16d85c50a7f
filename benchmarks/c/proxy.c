/* A proxy between two connections, and the ends that keep it busy; a pass is one MiB. */
#include "loops.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define MIB (1 << 20)

static int64_t cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t proxy_source(int64_t n, int fd) {
    int64_t outcome = 0;
    char *data = calloc(1, MIB);
    if (data == NULL) {
        return -ENOMEM;
    }
    for (int64_t left = n * MIB; left > 0 && outcome == 0;) {
        ssize_t sent = send(fd, data, left < MIB ? (size_t)left : MIB, 0);
        outcome = sent > 0 ? 0 : failure(sent);
        left -= sent;
    }
    free(data);
    return outcome;
}

int64_t proxy_sink(int64_t n, int fd) {
    int64_t outcome = 0;
    int low = 262144;
    setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof low);
    char *room = malloc(MIB);
    if (room == NULL) {
        return -ENOMEM;
    }
    for (int64_t left = n * MIB; left > 0 && outcome == 0;) {
        ssize_t came = recv(fd, room, MIB, 0);
        outcome = came > 0 ? 0 : failure(came);
        left -= came;
    }
    free(room);
    return outcome;
}

/* Splice n MiB through a pipe of one MiB. */
static int64_t forward(int64_t n, int from, int to) {
    int ends[2];
    int64_t outcome = 0;
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return -errno;
    }
    fcntl(ends[1], F_SETPIPE_SZ, MIB);
    for (int64_t left = n * MIB; left > 0 && outcome == 0;) {
        size_t most = left < MIB ? (size_t)left : MIB;
        ssize_t came = splice(from, NULL, ends[1], NULL, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        outcome = came > 0 ? 0 : failure(came);
        left -= came;
        while (came > 0 && outcome == 0) {
            ssize_t went = splice(ends[0], NULL, to, NULL, (size_t)came, SPLICE_F_MOVE);
            outcome = went > 0 ? 0 : failure(went);
            came -= went;
        }
    }
    close(ends[0]);
    close(ends[1]);
    return outcome;
}

typedef struct end {
    int64_t n, outcome;
    int fd;
} end;

static void *source(void *arg) {
    end *sender = arg;
    sender->outcome = proxy_source(sender->n, sender->fd);
    return NULL;
}

static void *sink(void *arg) {
    end *receiver = arg;
    receiver->outcome = proxy_sink(receiver->n, receiver->fd);
    return NULL;
}

/* All of it: the CPU time that the thread in the middle used. */
int64_t proxy(int64_t n, int sender, int from, int to, int receiver) {
    end first = {.n = n, .fd = sender}, last = {.n = n, .fd = receiver};
    pthread_t threads[2];
    if (pthread_create(&threads[0], NULL, source, &first) != 0 ||
        pthread_create(&threads[1], NULL, sink, &last) != 0) {
        return -EAGAIN;
    }
    int64_t begin = cpu_ns();
    int64_t outcome = forward(n, from, to);
    int64_t used = cpu_ns() - begin;
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    return outcome < 0         ? outcome
           : first.outcome < 0 ? first.outcome
           : last.outcome < 0  ? last.outcome
                               : used;
}
