"""No frame of the Cython layer in a traceback, and no crash for the want of one."""

import re
import traceback
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "pysock"


def clauses_that_release_a_traceback(text):
    """The places where a traceback that was fetched is released as if it were always there."""
    for fetched in re.finditer(r"__Pyx_GetException\(&\w+, &\w+, &(\w+)\)", text):
        rest = text[fetched.end() : text.index("\n}\n", fetched.end())]
        clause = rest.partition("__Pyx_GetException(&")[0]
        if f"__Pyx_DECREF({fetched[1]})" in clause:
            yield text[fetched.start() - 500 : fetched.start()]


def test_no_except_clause_needs_a_traceback(pysock):
    if pysock.BACKEND == "stdlib":
        return  # which has none of these modules
    texts = {path.name: path.read_text() for path in PACKAGE.glob("_*.c")}
    without = {name: text for name, text in texts.items() if '#include "_traceback.h"' in text}
    assert len(without) > 5
    for name, text in without.items():
        assert list(clauses_that_release_a_traceback(text)) == [], name


def test_a_traceback_shows_no_line_of_pysocks(pysock, pair):
    _, b = pair
    b.setblocking(False)
    for call in (lambda: b.recv(1), lambda: b.recv_into(bytearray(1)), lambda: b.recvmsg(1)):
        with pytest.raises(BlockingIOError) as caught:
            call()
        assert ".pyx" not in "".join(traceback.format_exception(caught.value))
