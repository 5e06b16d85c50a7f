"""What was tried, how many cases, what was found: the table from the XML that runs of pytest left.

    python tests/stress/figures.py build/trust.xml [build/asan.xml build/debug.xml] [PAGE ...]

A test says what it tried by `record_property(row, text)`; the rows without such figures count their
tests. A page among the arguments gets the table between its two marks. `make trust` runs it all but
what `make sanitize suite-debug` leaves behind.
"""

import sys
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

sys.path.append(str(Path(__file__).resolve().parents[2] / "docs"))
from marked_table import write

# Row: its title, the part of a test's name that puts it there, and what it has found so far.
ROWS = {
    "faults": (
        "faults: signals, closes, resets, no memory, no descriptors, short writes, a clock that "
        "jumps, the kernel's own timeouts, each in every blocking operation, compared with "
        "`socket`",
        "tests.stress.faults.",
        "calls that waited for a closed descriptor; descriptors that `recvmsg` lost without "
        "memory; a connect of AF_UNIX that returned without a connection after a signal; the "
        "fallback's `Stream` ignored SO_RCVTIMEO",
    ),
    "leaks": (
        "leaks: heap, objects, descriptors, references of every public callable",
        "tests.stress.leaks.",
        "a reference to None was lost for each view of a datagram",
    ),
    "fuzzing, Python": (
        "arbitrary arguments for every public callable, compared with `socket`",
        "tests.stress.fuzz.",
        '`setblocking("no")`; a wrong class of exception in the fallback',
    ),
    "fuzzing, csrc": (
        "csrc's parsers, fuzzed, under the sanitizers",
        "tests.csrc.test_csrc",
        "nothing",
    ),
    "threads": ("csrc in threads, under ThreadSanitizer", "tests.stress.sanitizers.", "nothing"),
    "load": (
        "load: clients that stall, reset and flood, every byte compared",
        "tests.stress.soak.",
        "nothing",
    ),
    "past flaws": (
        "past flaws of CPython and other libraries, each with a test",
        "tests.core.test_past_flaws",
        "two, on the fallback",
    ),
    "interpreters": (
        "several interpreters, fork, threads",
        "tests.core.test_interpreters",
        "before 3.12 a second interpreter was given the first one's class",
    ),
    "layouts": (
        "interpreters with another socket object; the compiler's hardening",
        "tests.packaging.test_packaging",
        "fields in another order went unnoticed",
    ),
    "short sends": (
        "sends that are cut short, and what ends them",
        ("test_sendall_sends_what_it_was_given", "tests.io.test_short_send"),
        "`sendall` sent the memory behind its buffer; a reset during a send was reported as EPIPE; "
        "the rest of a send went to another socket that had the closed one's number",
    ),
    "zero-copy": (
        "zero-copy sends: every call that can receive their notifications, every way to close the "
        "socket",
        "tests.io.test_zerocopy",
        "a notification that a plain `recv` received was lost, and its buffer was never released",
    ),
    "shared": (
        "threads that share a socket, a Stream, a batch, a selector, with a GIL and without",
        "tests.core.test_shared",
        "on the fallback a thread got a part of another one's line; an error was raised twice",
    ),
    "garbage": (
        "collections of garbage in the middle of a call",
        "test_a_key_that_is_unregistered",
        "`EpollSelector` returned a key that was freed",
    ),
}
# Of the runs that have a file of their own.
RUNS = {
    "asan": ("the suite under AddressSanitizer and UndefinedBehaviorSanitizer", "nothing"),
    "debug": (
        "the suite with asserts, the debugging allocator, development mode, warnings as errors",
        "nothing",
    ),
}


def outcomes(path):
    """(name, whether it failed, its properties) of each test; those that were skipped are none."""
    for case in ElementTree.parse(path).iter("testcase"):
        if case.find("skipped") is None:
            failed = case.find("failure") is not None or case.find("error") is not None
            told = [(one.get("name"), one.get("value")) for one in case.iter("property")]
            yield f"{case.get('classname')}.{case.get('name')}", failed, told


def line(title, cases, found, failed):
    return f"| {title} | {f'**{failed} tests fail**; ' if failed else ''}{cases} | {found} |"


def lines(paths):
    by_stem = {path.stem: list(outcomes(path)) for path in paths}
    figures = defaultdict(list)
    for test, _, told in by_stem["trust"]:
        for name, value in told:
            figures[name].append(f"{'fallback' if '[fallback' in test else 'C'}: {value}")
    yield "| tried | cases | found and fixed |"
    yield "|---|---|---|"
    for row, (title, part, found) in ROWS.items():
        parts = (part,) if isinstance(part, str) else part
        of_row = [bad for name, bad, _ in by_stem["trust"] if any(p in name for p in parts)]
        cases = "; ".join(figures[row]) or f"{len(of_row):,} test{'s' * (len(of_row) > 1)}"
        yield line(title, cases if of_row else "**not run**", found, sum(of_row))
    for stem, (title, found) in RUNS.items():
        if stem in by_stem:
            failed = sum(bad for _, bad, _ in by_stem[stem])
            yield line(title, f"{len(by_stem[stem]):,} tests", found, failed)


def main(*names):
    paths = [Path(name) for name in names]
    table = list(lines([path for path in paths if path.suffix == ".xml"]))
    print("\n".join(table))
    for page in paths:
        if page.suffix == ".md":
            write(page, "trust", table)


if __name__ == "__main__":
    main(*sys.argv[1:])
