/* Preloaded into a program under callgrind: it counts from one getpriority() to the next.
 *
 * The programs mark with that call what they measure. Without instrumentation valgrind is several
 * times faster, so that the start and the checks of a program cost little. What the program starts
 * inherits this library, and does not notice: outside valgrind the requests do nothing. */

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>
#include <valgrind/callgrind.h>

int getpriority(int which, id_t who) {
    static int counting;
    counting = !counting;
    if (counting) {
        CALLGRIND_START_INSTRUMENTATION;
    } else {
        CALLGRIND_STOP_INSTRUMENTATION;
        CALLGRIND_DUMP_STATS;
    }
    return (int)syscall(SYS_getpriority, which, who);
}
