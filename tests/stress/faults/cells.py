"""One process, one leg, every cell: `python cells.py c|fallback|socket`, under the shim.

Prints a line of JSON for each cell, and its name before it, so that a crash has one.
"""

import signal

import connecting
import disturbed
import kernel_timeout
import memory
import refused
import reused


def main():
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    for part in (
        refused.failing_calls,
        refused.failing_makers,
        refused.no_more_descriptors,
        refused.short_writes,
        refused.clock_that_jumps,
        disturbed.signals,
        disturbed.peers,
        disturbed.other_threads,
        connecting.connect,
        connecting.accept,
        reused.connect,
        kernel_timeout.gives_up,
        memory.no_memory,
    ):
        part()


if __name__ == "__main__":
    main()
