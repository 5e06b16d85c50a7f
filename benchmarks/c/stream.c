/* Stream sockets: one process sends to itself and receives. */
#include "loops.h"

#include <stdlib.h>
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
