/* This header turns operating-system macros into PS_HAVE_*, and defines the kernel's numbers that
 * a C library may lack. No other file does either.
 *
 * Every file of csrc includes this header first. Nothing in csrc uses Python.h.
 *
 * Every function of csrc reports an error by returning -errno, and success by returning n >= 0; the
 * caller never has to read errno. No function repeats a system call after EINTR, because the
 * caller has to run its signal handlers first (PEP 475).
 */
#ifndef PS_SYS_H
#define PS_SYS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* accept4, ppoll, recvmmsg, struct ucred */
#endif

/* On 32-bit systems glibc's off_t has 32 bits without this macro, and sendfile(2), fstat(2) and
 * splice(2) fail or use a wrong offset beyond 2 GiB. The macro has an effect only before the first
 * header of the C library: therefore this header is included first. Where the caller's code has
 * included the C library before it, that code has to define the macro itself, as Python.h does; the
 * assertion below fails where it does not. musl, and every 64-bit system, has no other off_t.
 *
 * _TIME_BITS is not defined here. No struct and no function of csrc's interface has a time_t, and
 * csrc works with both sizes of it. So the size stays what the compiler's flags say. */
#ifndef _FILE_OFFSET_BITS
#define _FILE_OFFSET_BITS 64
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

_Static_assert(sizeof(off_t) == 8, "off_t has 64 bits: see _FILE_OFFSET_BITS in ps_sys.h");

/* The layout of the structs that csrc shares with the caller's code. That code includes these
 * headers in translation units of its own, after other headers and perhaps with other macros. If a
 * struct had another layout there, each side would read and write the wrong fields, without any
 * warning.
 *
 * Both sides compile the assertions below each struct. An assertion compares with numbers, because
 * a struct of two layouts is consistent on each side by itself: only the same number on both sides
 * shows that the layouts are equal. The first number is for 32-bit pointers, the second one for
 * 64-bit pointers. A size is rounded up to the struct's alignment, which on i386 is 4 where it is 8
 * on other 32-bit systems. The fields are in an order that makes all other numbers equal there. */
#ifdef __linux__
#define PS_OFFSET(type, field, at32, at64)                                                         \
    _Static_assert(offsetof(type, field) == (sizeof(void *) == 8 ? (at64) : (at32)),               \
                   "layout of " #type ": offset of " #field)
#define PS_SIZE(type, size32, size64)                                                              \
    _Static_assert(sizeof(type) ==                                                                 \
                       ((sizeof(void *) == 8 ? (size64) : (size32)) + _Alignof(type) - 1) /        \
                           _Alignof(type) * _Alignof(type),                                        \
                   "layout of " #type ": size")
#else /* struct msghdr and struct sockaddr_storage have other sizes */
#define PS_OFFSET(type, field, at32, at64) _Static_assert(1, "")
#define PS_SIZE(type, size32, size64) _Static_assert(1, "")
#endif

/* The types of msg_iovlen, msg_controllen and cmsg_len, and of the flags of recvmmsg(2). glibc and
 * bionic use the kernel's types, the others those of POSIX. */
#if defined(__GLIBC__) || defined(__BIONIC__)
typedef size_t ps_iovlen;
typedef size_t ps_controllen;
typedef int ps_mmsg_flags;
#else
typedef int ps_iovlen;
typedef socklen_t ps_controllen;
#ifdef __linux__
typedef unsigned ps_mmsg_flags; /* musl */
#else
typedef int ps_mmsg_flags;
#endif
#endif

static inline size_t ps_min(size_t a, size_t b) {
    return a < b ? a : b;
}

#if defined(__linux__) || defined(__FreeBSD__)
#define PS_HAVE_ACCEPT4 1
#define PS_HAVE_PPOLL 1
#define PS_HAVE_SOCK_CLOEXEC 1
#define PS_HAVE_ABSTRACT_UNIX 1 /* sun_path may begin with NUL and contain NULs */
#endif

#if defined(__linux__)
#define PS_HAVE_EPOLL 1
#define PS_HAVE_LINUX_SENDFILE 1 /* other systems' sendfile(2) has other arguments */
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
#define PS_HAVE_UDP_SEGMENT 1 /* compiled in; ps_probe.h tells whether the kernel has it */
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

/* No system has an option of number -1: setsockopt(2) with it fails with ENOPROTOOPT. */
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

/* The control messages with timestamps have two forms (asm/socket.h). An old one has times of two
 * longs, a new one has times of two 64-bit integers. The option that was set on the socket decides
 * which form the kernel sends. A C library names only the form that has its own time_t, or none of
 * them, so both are named here. */
#if defined(__linux__) && !defined(SO_TIMESTAMP_NEW)
#if defined(__sparc__)
#define SO_TIMESTAMP_OLD 0x001d
#define SO_TIMESTAMPNS_OLD 0x0021
#define SO_TIMESTAMPING_OLD 0x0023
#define SO_TIMESTAMP_NEW 0x0046
#define SO_TIMESTAMPNS_NEW 0x0042
#define SO_TIMESTAMPING_NEW 0x0043
#elif defined(__hppa__)
#define SO_TIMESTAMP_OLD 0x4012
#define SO_TIMESTAMPNS_OLD 0x4013
#define SO_TIMESTAMPING_OLD 0x4020
#define SO_TIMESTAMP_NEW 0x4038
#define SO_TIMESTAMPNS_NEW 0x4039
#define SO_TIMESTAMPING_NEW 0x403A
#else
#define SO_TIMESTAMP_OLD 29
#define SO_TIMESTAMPNS_OLD 35
#define SO_TIMESTAMPING_OLD 37
#define SO_TIMESTAMP_NEW 63
#define SO_TIMESTAMPNS_NEW 64
#define SO_TIMESTAMPING_NEW 65
#endif
#endif

/* The bytes of the kernel's long. x32 has pointers of 4 bytes on a kernel with longs of 8. */
#if defined(__x86_64__)
#define PS_KERNEL_LONG 8
#else
#define PS_KERNEL_LONG sizeof(long)
#endif

#if defined(__linux__) && !defined(SCM_PIDFD)
#define SCM_PIDFD 4 /* linux/socket.h */
#elif !defined(SCM_PIDFD)
#define SCM_PIDFD (-1)
#endif

#if defined(__linux__) && defined(SO_ZEROCOPY) && defined(SO_COOKIE)
#define PS_HAVE_ZEROCOPY 1 /* compiled in; ps_zerocopy.h tells whether a socket has it */
#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY 0x4000000 /* linux/socket.h */
#endif
#ifndef SO_EE_ORIGIN_ZEROCOPY
#define SO_EE_ORIGIN_ZEROCOPY 5 /* linux/errqueue.h */
#endif
#ifndef SO_EE_CODE_ZEROCOPY_COPIED
#define SO_EE_CODE_ZEROCOPY_COPIED 1
#endif
#define PS_ENOTSUPP 524 /* linux/errno.h: internal to the kernel, but send(2) returns it */
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
