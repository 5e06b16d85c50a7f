/* The interpreter's epoll object (Modules/selectmodule.c). Its only field is the descriptor. */
#ifndef PYSOCK_EPOLL_OBJECT_H
#define PYSOCK_EPOLL_OBJECT_H

#include "../core/threads.h"

typedef struct {
    PyObject_HEAD pysock_shared_int epfd; /* -1 after close() */
} PysockEpollObject;

/* The address of the descriptor: a wait can be interrupted, and then reads it again. */
static inline const int *pysock_epfd_ptr(PysockEpollObject *epoll) {
    return (const int *)&epoll->epfd;
}

#endif
