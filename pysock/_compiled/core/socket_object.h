/* The leading fields of the interpreter's own socket object (Modules/socketmodule.h).
 *
 * The size of this struct is compared with the
 * type's when an extension loads, and a difference refuses the load: see _sockobject.pxd. That each
 * field is the one it is taken for is tried once, by _sockobject.pyx.
 *
 * -DPYSOCK_WRONG_LAYOUT=1 (another size) or =2 (fields in another order) builds for an interpreter
 * that there is none of, for the tests of that.
 */
#ifndef PYSOCK_SOCKOBJECT_H
#define PYSOCK_SOCKOBJECT_H

#include "threads.h"

#include <stdint.h>

typedef struct {
    PyObject_HEAD pysock_shared_int sock_fd; /* -1 once closed */
#if defined(PYSOCK_WRONG_LAYOUT) && PYSOCK_WRONG_LAYOUT == 2
    int sock_type;
    int sock_family;
#else
    int sock_family; /* AF_INET ... */
    int sock_type;   /* SOCK_STREAM ..., without SOCK_NONBLOCK and SOCK_CLOEXEC */
#endif
    int sock_proto;                  /* usually 0 */
    PyObject *(*errorhandler)(void); /* set by the type's tp_new */
    int64_t sock_timeout;            /* nanoseconds; negative: blocking, 0: non-blocking */
#if PY_VERSION_HEX >= 0x030C0000
    void *state; /* the _socket module's state, set by its initialiser */
#endif
#if defined(PYSOCK_WRONG_LAYOUT) && PYSOCK_WRONG_LAYOUT == 1
    char unknown[64];
#endif
} PysockSocketObject;

#ifndef __cplusplus
/* Where the descriptor's number stands, for who reads it again after a wait. */
static inline const int *pysock_fd_place(PysockSocketObject *sock) {
    return (const int *)&sock->sock_fd;
}

/* Close the object, but for its descriptor: that is the caller's, and no other thread's. */
static inline int pysock_detach_fd(PysockSocketObject *sock) {
    return pysock_exchange(&sock->sock_fd, -1);
}
#endif

/* What the interpreter's initialiser writes beside the plain fields, and an object that pysock
 * fills by itself must have too: the same for every socket of an interpreter. */
static inline void *pysock_module_state(PysockSocketObject *sock) {
#if PY_VERSION_HEX >= 0x030C0000
    return sock->state;
#else
    (void)sock;
    return NULL;
#endif
}

static inline void pysock_set_module_state(PysockSocketObject *sock, void *state) {
#if PY_VERSION_HEX >= 0x030C0000
    sock->state = state;
#else
    (void)sock;
    (void)state;
#endif
}

/* sys.audit() with the interpreter's names and arguments: the C function is variadic, these are
 * typed. */
static inline int pysock_audit_new(PyObject *sock, int family, int type, int proto) {
    return PySys_Audit("socket.__new__", "Oiii", sock, family, type, proto);
}

static inline int pysock_audit_address(const char *event, PyObject *sock, PyObject *address) {
    return PySys_Audit(event, "OO", sock, address);
}

static inline int pysock_audit_gethostbyname(PyObject *host) {
    return PySys_Audit("socket.gethostbyname", "O", host);
}

static inline int pysock_audit_getaddrinfo(PyObject *host, PyObject *port, int family, int type,
                                           int proto) {
    return PySys_Audit("socket.getaddrinfo", "OOiii", host, port, family, type, proto);
}

#endif
