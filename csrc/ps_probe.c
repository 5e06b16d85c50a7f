#include "ps_probe.h"

#include "ps_batch.h"

#include <netinet/in.h>

/* Whether this option can be set on a new UDP socket. */
static int has_option(int level, int option, int value) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    }
    if (fd < 0) {
        return 0;
    }
    int is_set = setsockopt(fd, level, option, &value, sizeof value) == 0;
    close(fd);
    return is_set;
}

int ps_probe_gso_segments(void) {
#ifdef PS_HAVE_UDP_SEGMENT
    return has_option(SOL_UDP, UDP_SEGMENT, 1400) ? PS_SEGMENTS : 1;
#else
    return 1;
#endif
}

int ps_probe_gro_segments(void) {
#ifdef PS_HAVE_UDP_SEGMENT
    return has_option(SOL_UDP, UDP_GRO, 1) ? PS_SEGMENTS : 1;
#else
    return 1;
#endif
}

int ps_probe_batch(void) {
#ifdef PS_HAVE_MMSG
    /* EBADF shows that the call exists. A kernel or a sandbox without it fails with ENOSYS or EPERM
     * before it looks at the descriptor. */
    return recvmmsg(-1, NULL, 0, 0, NULL) < 0 && errno == EBADF ? PS_BATCH : 1;
#else
    return 1;
#endif
}

int ps_probe_zerocopy(void) {
#ifdef SO_ZEROCOPY
    return has_option(SOL_SOCKET, SO_ZEROCOPY, 1);
#else
    return 0;
#endif
}
