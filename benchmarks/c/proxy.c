/* From one connection into another through a pipe; processes of their own keep both ends busy. */
#include "loops.h"

#include <fcntl.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

static int64_t forward(int64_t left, int from, int to, const int *pipe_ends) {
    while (left > 0) {
        size_t most = left < MIB ? (size_t)left : MIB;
        ssize_t came = splice(from, NULL, pipe_ends[1], NULL, most, SPLICE_F_MOVE);
        if (came <= 0) {
            return failure(came);
        }
        left -= came;
        while (came > 0) {
            ssize_t went = splice(pipe_ends[0], NULL, to, NULL, (size_t)came, SPLICE_F_MOVE);
            if (went <= 0) {
                return failure(went);
            }
            came -= went;
        }
    }
    return 0;
}

/* Forward n MiB: the CPU time. */
int64_t proxy(int64_t n, int from, int to) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return -errno;
    }
    fcntl(ends[1], F_SETPIPE_SZ, MIB);
    int64_t begin = cpu_ns();
    int64_t outcome = forward(n * MIB, from, to, ends);
    int64_t ns = cpu_ns() - begin;
    close(ends[0]);
    close(ends[1]);
    return outcome < 0 ? outcome : ns;
}
