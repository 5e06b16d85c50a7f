/* Using a bytes object again that was handed to the caller of a receive.
 *
 * A batch receive keeps a reference to each bytes object that it returns. When the next receive
 * finds that its own reference is the only one, no other code can see the object change, so it may
 * write into it as into a new one. This works like a free list, and saves a malloc() and a free()
 * for every datagram. io.BytesIO writes into a bytes object under the same condition.
 */
#ifndef PYSOCK_BYTES_OBJECT_H
#define PYSOCK_BYTES_OBJECT_H

#include "threads.h"

/* Prepare data, to which the caller has a reference, to be written again. 0 where another reference
 * exists. */
static inline int pysock_reuse_bytes(PyObject *data) {
    if (!pysock_is_only_reference(data)) {
        return 0;
    }
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* since 3.11, without a replacement */
#endif
    ((PyBytesObject *)data)->ob_shash = -1; /* the cached hash is that of the old contents */
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
    return 1;
}

#endif
