/* The one place where operating-system macros are turned into PS_HAVE_*.
 *
 * Everything in csrc includes this header first. Nothing here knows Python.
 * Error rule of the whole directory: a function returns n >= 0, or -errno;
 * errno itself never travels further than the wrapper that read it. No
 * function loops on EINTR: signal handlers are Python's to run (PEP 475).
 */
#ifndef PS_SYS_H
#define PS_SYS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* accept4, ppoll, recvmmsg, struct ucred */
#endif

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#if defined(__linux__) || defined(__FreeBSD__)
#define PS_HAVE_ACCEPT4 1
#define PS_HAVE_PPOLL 1
#define PS_HAVE_SOCK_CLOEXEC 1
#define PS_HAVE_ABSTRACT_UNIX 1 /* a sun_path of any length, NUL included */
#endif

#if defined(__linux__)
#define PS_HAVE_EPOLL 1
#define PS_HAVE_LINUX_SENDFILE 1 /* other systems have one with other arguments */
#define PS_HAVE_SPLICE 1         /* with pipe2, F_SETPIPE_SZ */
#endif

#if defined(__FreeBSD__)
#undef PS_HAVE_ABSTRACT_UNIX
#endif

#if defined(__APPLE__) || defined(__FreeBSD__)
#define PS_HAVE_SA_LEN 1
#endif

#if (defined(__linux__) || defined(__FreeBSD__)) && !defined(PS_FORCE_ONE_BY_ONE)
#define PS_HAVE_MMSG 1 /* recvmmsg, sendmmsg, struct mmsghdr */
#endif

#if defined(__linux__)
#define PS_HAVE_UDP_SEGMENT 1 /* to be built in; whether the kernel knows it, ps_probe.h tells */
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103 /* linux/udp.h */
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef SOL_UDP
#define SOL_UDP 17
#endif
#endif

/* Where the system has no such option, asking for it is ENOPROTOOPT. */
#ifndef SOL_UDP
#define SOL_UDP IPPROTO_UDP
#endif
#ifndef UDP_GRO
#define UDP_GRO (-1)
#endif

#ifndef UIO_MAXIOV
#define UIO_MAXIOV 1024 /* linux/uio.h: the iovecs of one system call */
#endif
#ifndef SCM_MAX_FD
#define SCM_MAX_FD 253 /* net/scm.h of the kernel: the descriptors of one SCM_RIGHTS message */
#endif

#if defined(__linux__)
#define PS_HAVE_PEERCRED 1 /* SO_PEERCRED with a struct ucred */
#endif

#if defined(__linux__) && !defined(SCM_PIDFD)
#define SCM_PIDFD 4 /* linux/socket.h */
#elif !defined(SCM_PIDFD)
#define SCM_PIDFD (-1)
#endif

#if defined(__linux__) && defined(SO_ZEROCOPY) && defined(SO_COOKIE)
#define PS_HAVE_ZEROCOPY 1 /* to be built in; whether a socket can, ps_zerocopy.h tells */
#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY 0x4000000 /* linux/socket.h */
#endif
#ifndef SO_EE_ORIGIN_ZEROCOPY
#define SO_EE_ORIGIN_ZEROCOPY 5 /* linux/errqueue.h */
#endif
#ifndef SO_EE_CODE_ZEROCOPY_COPIED
#define SO_EE_CODE_ZEROCOPY_COPIED 1
#endif
#define PS_ENOTSUPP 524 /* linux/errno.h: not meant to leave the kernel, and it does */
#endif

/* A flag that this system does not have is 0, so that setting it changes nothing. */
#ifndef SOCK_CLOEXEC
#define SOCK_CLOEXEC 0
#endif
#ifndef SOCK_NONBLOCK
#define SOCK_NONBLOCK 0
#endif
#ifndef MSG_CONFIRM
#define MSG_CONFIRM 0
#endif
#ifndef MSG_MORE
#define MSG_MORE 0
#endif
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif
#ifndef MSG_CMSG_CLOEXEC
#define MSG_CMSG_CLOEXEC 0
#endif
#ifndef MSG_WAITFORONE
#define MSG_WAITFORONE 0
#endif
#ifndef MSG_ERRQUEUE
#define MSG_ERRQUEUE 0
#endif
#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY 0
#endif

#endif
