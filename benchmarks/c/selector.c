/* epoll_wait(2) on descriptors of which some are ready. */
#include "loops.h"

#include <stdlib.h>
#include <sys/epoll.h>

int64_t select_ready(int64_t n, int epoll, int registered) {
    int64_t outcome = 0;
    struct epoll_event *events = calloc((size_t)registered, sizeof *events);
    if (events == NULL) {
        return -ENOMEM;
    }
    for (int64_t i = 0; outcome == 0 && i < n; i++) {
        int ready = epoll_wait(epoll, events, registered, -1);
        outcome = ready > 0 ? 0 : failure(ready);
    }
    free(events);
    return outcome;
}
