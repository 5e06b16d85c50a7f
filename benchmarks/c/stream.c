/* Stream sockets: one process sends to itself and receives. */
#include "loops.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Send size bytes from a, receive them at b with one call that has room for capacity. */
int64_t send_recv(int64_t n, int a, int b, int size, int capacity) {
    int64_t outcome = 0;
    char *data = calloc(1, (size_t)size);
    char *room = malloc((size_t)capacity);
    if (data == NULL || room == NULL) {
        outcome = -ENOMEM;
    }
    for (int64_t i = 0; outcome == 0 && i < n; i++) {
        ssize_t sent = send(a, data, (size_t)size, 0);
        ssize_t came = sent == size ? recv(b, room, (size_t)capacity, 0) : sent;
        if (came != size) {
            outcome = failure(came);
        }
    }
    free(data);
    free(room);
    return outcome;
}

/* Send lines of size bytes together from a; receive them at b, find each one's end, copy it out. */
int64_t read_lines(int64_t n, int a, int b, int lines, int size) {
    size_t block = (size_t)lines * (size_t)size;
    char *data = malloc(block);
    char *room = malloc(block);
    char *line = malloc((size_t)size);
    int64_t outcome = data == NULL || room == NULL || line == NULL ? -ENOMEM : 0;
    for (int i = 0; outcome == 0 && i < lines; i++) {
        memset(data + (size_t)i * (size_t)size, 'x', (size_t)size);
        data[(size_t)(i + 1) * (size_t)size - 1] = '\n';
    }
    for (int64_t i = 0; outcome == 0 && i < n; i++) {
        ssize_t moved = send(a, data, block, 0);
        if (moved != (ssize_t)block || (moved = recv(b, room, block, MSG_WAITALL)) < 0) {
            outcome = failure(moved);
        }
        const char *at = room;
        const char *newline;
        while (outcome == 0 && (newline = memchr(at, '\n', (size_t)(room + block - at))) != NULL) {
            memcpy(line, at, (size_t)(newline + 1 - at));
            at = newline + 1;
        }
    }
    free(data);
    free(room);
    free(line);
    return outcome;
}

/* Receive from a non-blocking socket that has nothing. */
int64_t recv_nothing(int64_t n, int fd) {
    char room[64];
    for (int64_t i = 0; i < n; i++) {
        if (recv(fd, room, sizeof room, 0) >= 0 || errno != EAGAIN) {
            return -EIO;
        }
    }
    return 0;
}
