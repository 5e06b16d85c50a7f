"""Threads that do what they do at once, and take turns often where there is a GIL."""

import sys
import threading

THREADS = 6


def together(*calls):
    """Each call in a thread of its own, all at once; the first exception of any is raised."""
    start = threading.Barrier(len(calls))
    errors = []

    def run(call):
        start.wait()
        try:
            call()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    for error in errors:
        raise error


def each(work, count=THREADS):
    """`together`, one function in *count* threads: it is given its number."""
    together(*(lambda number=number: work(number) for number in range(count)))


def is_one_byte(data):
    """Whether *data* is one byte, over and over: no two senders, or two sends, are mixed in it."""
    return data == data[:1] * len(data)


def until(over, call):
    while not over.is_set():
        call()
