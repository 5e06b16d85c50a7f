/* Bytes objects that a receive writes into, and that are used again once nobody has them.
 *
 * What was handed out is kept here, too. When the next receive finds that its own reference is the
 * only one, nobody can see the object change, and it is as good as a new one: a free list, in
 * effect, of objects that malloc() would otherwise take apart and put together for every batch.
 * io.BytesIO writes into a bytes object under the same condition.
 */
#ifndef PYSOCK_SLOTBYTES_H
#define PYSOCK_SLOTBYTES_H

#include "threads.h"

/* Make data, which the caller has a reference to, as if it were new: 0 where others have one. */
static inline int pysock_renew_bytes(PyObject *data) {
    if (!pysock_is_only_reference(data)) {
        return 0;
    }
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* since 3.11, without a successor */
#endif
    ((PyBytesObject *)data)->ob_shash = -1; /* the hash of what was in it */
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
    return 1;
}

#endif
