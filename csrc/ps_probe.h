/* What the running kernel can do with datagrams, as numbers: 1 where it can do no more than one. */
#ifndef PS_PROBE_H
#define PS_PROBE_H

#include "ps_sys.h"

/* Datagrams of one peer that a single send may carry (UDP_SEGMENT). The kernel's own limit is 64,
 * and 128 since Linux 6.9: 64 is what every one of them takes. */
int ps_probe_gso_segments(void);

/* Datagrams that the kernel may join into what a single receive hands over (UDP_GRO). */
int ps_probe_gro_segments(void);

/* Messages that one system call moves (recvmmsg, sendmmsg). */
int ps_probe_batch(void);

/* 1 where a socket can be told to send without copying (SO_ZEROCOPY), else 0. */
int ps_probe_zerocopy(void);

#endif
