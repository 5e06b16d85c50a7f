/* What the running kernel can do with datagrams: how many at once, which is 1 without support. */
#ifndef PS_PROBE_H
#define PS_PROBE_H

#include "ps_sys.h"

/* How many datagrams one send to a peer may have (UDP_SEGMENT). The kernel's limit is 64, and 128
 * since Linux 6.9. This is 64, because every kernel accepts it. */
int ps_probe_gso_segments(void);

/* How many datagrams the kernel may join for one receive (UDP_GRO). */
int ps_probe_gro_segments(void);

/* How many messages one system call may transfer (recvmmsg(2), sendmmsg(2)). */
int ps_probe_batch(void);

/* Whether SO_ZEROCOPY can be set: 1 or 0. */
int ps_probe_zerocopy(void);

#endif
