"""What was tried, and what holds, as a table: from the XML that a run of pytest left behind.

    python tests/figures.py RESULTS.xml

A test says what it tried by `record_property(row, text)`; the rows without such figures count their
tests. `make trust` runs it all.
"""

import sys
from collections import defaultdict
from xml.etree import ElementTree

# Row: the part of a test's name that puts it there, and what it has found so far.
ROWS = {
    "faults": ("tests.faults.", "a wait for a closed descriptor that did not end"),
    "leaks": ("tests.leaks.", "one reference to None for each view of a datagram"),
    "fuzzing, Python": (
        "tests.fuzz.",
        "`setblocking('no')`; AttributeError for TypeError in the fallback's batch",
    ),
    "fuzzing and sanitizers, csrc": ("tests.test_csrc", "nothing"),
    "csrc in threads (ThreadSanitizer)": ("tests.sanitizers.", "nothing"),
    "load": ("tests.soak.", "nothing"),
    "past flaws of socket libraries": (
        "tests.test_past_flaws",
        "the fallback crashed with the interpreter; stack bytes in an odd address",
    ),
    "interpreters, fork, threads": (
        "tests.test_interpreters",
        "before 3.12 a second interpreter derived from the first one's class",
    ),
    "wrong layouts, hardening": ("tests.test_packaging", "fields in another order went unnoticed"),
    "short sends": (
        "test_sendall_sends_what_it_was_given",
        "`sendall` went on behind its buffer (read out before any test saw it)",
    ),
    "collections of garbage in a call": (
        "test_a_key_that_is_unregistered",
        "`EpollSelector` returned a key that was freed",
    ),
}


def main(path):
    tests = defaultdict(lambda: [0, 0])
    figures = defaultdict(list)
    for case in ElementTree.parse(path).iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        broken = case.find("failure") is not None or case.find("error") is not None
        for row, (part, _) in ROWS.items():
            if part in name:
                tests[row][broken] += 1
        for told in case.iter("property"):
            figures[told.get("name")].append(told.get("value"))
    print("| tried | cases | found, and mended | holds |")
    print("|---|---|---|---|")
    for row, (_, found) in ROWS.items():
        passed, failed = tests[row]
        cases = "; ".join(figures[row]) or f"{passed + failed:,} tests"
        holds = "yes" if passed and not failed else f"NO: {failed} of {passed + failed} tests fail"
        print(f"| {row} | {cases} | {found} | {holds} |")


if __name__ == "__main__":
    main(sys.argv[1])
