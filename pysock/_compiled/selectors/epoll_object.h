/* The interpreter's own epoll object (Modules/selectmodule.c), of which the descriptor is all. */
#ifndef PYSOCK_EPOLLOBJECT_H
#define PYSOCK_EPOLLOBJECT_H

#include "../core/threads.h"

typedef struct {
    PyObject_HEAD pysock_shared_int epfd; /* -1 once closed */
} PysockEpollObject;

/* Where the descriptor's number stands, for who reads it again after a wait. */
static inline const int *pysock_epfd_place(PysockEpollObject *epoll) {
    return (const int *)&epoll->epfd;
}

#endif
