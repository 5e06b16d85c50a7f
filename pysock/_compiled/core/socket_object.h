/* The leading fields of the interpreter's own socket object (Modules/socketmodule.h).
 *
 * When a module loads, the size of this struct is compared with that of the type. If they differ,
 * the module is not loaded: see socket_object.pxd. socket_object.pyx tests once that each field is
 * at the place where it is declared here.
 *
 * -DPYSOCK_WRONG_LAYOUT=1 (another size) or =2 (fields in another order) builds a wrong struct, to
 * test these checks.
 */
#ifndef PYSOCK_SOCKET_OBJECT_H
#define PYSOCK_SOCKET_OBJECT_H

#include "threads.h"

#include <stdint.h>

typedef struct {
    PyObject_HEAD pysock_shared_int sock_fd; /* -1 after close() */
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
/* A pointer to the descriptor, for a call that reads it again after a wait. */
static inline const int *pysock_fd_ptr(PysockSocketObject *sock) {
    return (const int *)&sock->sock_fd;
}

/* Mark the object as closed, and return its descriptor for the caller to close. Of two threads that
 * do this, one gets -1. */
static inline int pysock_detach_fd(PysockSocketObject *sock) {
    return pysock_exchange(&sock->sock_fd, -1);
}
#endif

/* The state of the interpreter's _socket module. The type's own initialiser sets it, and pysock has
 * to set it in an object that it initialises itself. It is the same for every socket of an
 * interpreter. */
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

/* sys.audit() with the interpreter's event names and arguments. PySys_Audit is variadic, so the
 * compiler does not check the types of its arguments. It checks those of these functions. */
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
