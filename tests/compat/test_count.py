"""What counts the programs: it counts between the marks, and what costs more is told."""

import shutil
import sys
from collections import Counter

import pytest
import ways
from catalogue import PROGRAMS, Program
from counting import counts, guard, instructions, page, system_calls
from counting.counts import PYSOCK, SOCKET, Counted, Counts
from support.needs import needs
from ways import UVLOOP

TOY = """
import json, os, socket, sys
requests = int(sys.argv[1])
os.getpgid(0)
os.getpriority(os.PRIO_PROCESS, 0)
for _ in range(requests):
    os.getsid(0)
os.getpriority(os.PRIO_PROCESS, 0)
os.getpgid(0)
print(json.dumps({"requests": requests, "wall": 1, "cpu": 1, "socket": socket.socket.__module__}))
"""
LOG = """\
7 openat(AT_FDCWD, "a") = 3
7 getpriority(PRIO_PROCESS, 0)      = 20
7 futex(0x7f, FUTEX_WAIT_BITSET_PRIVATE|FUTEX_CLOCK_REALTIME, 0, NULL, 0 <unfinished ...>
8 sendto(3, ""..., 64, 0, NULL, 0) = 64
8 futex(0x7f, FUTEX_WAKE_PRIVATE, 1) = 1
7 <... futex resumed>) = 0
8 recvfrom(3, ""..., 64, 0, NULL, NULL) = 64
8 getpriority(PRIO_PROCESS, 0)      = 20
8 close(3) = 0
"""


@pytest.fixture
def start(monkeypatch, tmp_path):
    (tmp_path / "toy.py").write_text(TOY)
    monkeypatch.setattr(ways, "PROGRAMS", tmp_path)

    def start(under, more, requests=100):
        toy = Program("toy", "", "a toy", 10)
        run = ways.run(sys.executable, toy, SOCKET, requests, more, under)
        assert not run.failure, run.failure
        return run

    return start


@needs("strace", shutil.which("strace"))
def test_system_calls_between_the_marks_alone(start, tmp_path):
    run, found = system_calls.count(start, tmp_path)
    assert run.requests == 100 and found["getsid"] == 100 and not found["getpgid"]


@needs("valgrind", shutil.which("valgrind"))
def test_instructions_between_the_marks_alone(start, tmp_path):
    marks = instructions.build(tmp_path)
    _, each = instructions.count(start, tmp_path, marks)
    assert 20 < each < 2000  # a call of Python's; a start has millions
    _, more = instructions.count(lambda *given: start(*given, 200), tmp_path, marks)
    assert more == pytest.approx(each, rel=0.2)  # of a request


def test_a_call_that_waits_is_one_call():
    found = system_calls.calls(LOG.splitlines())
    assert found == Counter(futex=2, sendto=1, recvfrom=1, FUTEX_WAIT=1)


def test_what_happens_once_in_a_run_is_not_of_a_request():
    made = Counts.of(1000.4, Counter(sendto=200, futex=50, FUTEX_WAIT=20, mmap=1), 100)
    assert made == Counts(1000, {"futex": 0.5, "sendto": 2.0}, 0.2)
    assert made.system_calls == 2.0


def counted(instructions, calls):
    given = zip((SOCKET, PYSOCK), instructions, calls, strict=True)
    return Counted(100, {way: Counts(i, {"recvfrom": c}, 0) for way, i, c in given})


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (counted((1000, 917), (2, 2)), []),
        (counted((1000, 990), (2, 2)), ["more than the table: instructions"]),
        (counted((1000, 1090), (2, 2)), ["than the table: instr", "than on socket: instr"]),
        (counted((1000, 900), (2, 3)), ["than the table: system", "than on socket: system"]),
        (counted((500, 459), (2, 2)), []),  # another build of the interpreter: the share counts
        (counted((500, 480), (2, 2)), ["more than the table: instructions"]),
    ],
)
def test_the_guard_tells_what_costs_more(now, told):
    lines = guard.worse({"toy": now}, {"toy": counted((1000, 900), (2, 2))})
    assert len(lines) == len(told)
    assert all(text in line for text, line in zip(told, lines, strict=True))


def test_the_guard_does_not_pass_what_it_does_not_know():
    assert guard.worse({"toy": counted((1, 1), (1, 1))}, {}) == ["toy: not in the table"]


def test_the_guard_has_what_it_compares_with():
    known = {program.name for program in PROGRAMS}
    assert set(guard.PROGRAMS) <= known
    assert not counts.read() or set(guard.PROGRAMS) <= counts.read().keys()


def test_a_page_has_the_losses_as_plain_as_the_wins_and_what_was_not_counted(tmp_path):
    one = counted((100_000, 120_000), (2, 3))
    one.ways[UVLOOP] = Counts(50_000, {"read": 1.0}, 0)
    target = tmp_path / "page.md"
    names = ("programs", "waits", "dearer")
    tables = (f"<!-- {name} table -->\nold\n<!-- end of the {name} table -->\n" for name in names)
    target.write_text(f"before\n{''.join(tables)}after\n")
    page.write(target, {PROGRAMS[0].name: one})
    text = target.read_text()
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "old" not in text
    assert "| 100.0 | 120.0 | 1.20 | 50.0 | 2.00 | 3.00 | 1.00 |" in text
    assert f"- {PROGRAMS[0].name}: instructions 100000 -> 120000" in text
    assert "recvfrom +1.00" in text
    assert text.count("| not counted |") == len(PROGRAMS) - 1
