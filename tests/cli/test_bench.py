"""`python -m pysock --bench`: what it prints, and where. The figures themselves are not tested."""

import contextlib
import fcntl
import importlib
import importlib.util
import io
import json
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from support.needs import needs, only_linux
from support.paths import ROOT

LOOPS = ["uvloop"]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def command(pysock, monkeypatch):
    """The command line; -X dev and -W error say on stderr if a socket is left open."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYSOCK_NO_EXTENSIONS", "1" if pysock.BACKEND == "stdlib" else "")
    return [sys.executable, "-X", "dev", "-W", "error", "-m", "pysock", "--bench"]


def answer(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode("ascii")


@pytest.fixture
def bench(pysock):
    return importlib.import_module(f"{pysock.__name__}._cli.bench")


def operations(bench):
    """Return the operations that are measured, and the lines of the table."""
    rows = [row.title for row in bench.ROWS if not row.heap or bench.set_heap(row.heap)]
    lines = rows.copy()
    for row in bench.programs.ROWS:
        for title in row.lines:
            rows.append(title)
            lines.append(title)
            if row.of_loop:
                lines.extend(f"    {name} in its place" for name in LOOPS)
    return rows, lines


def test_table(command, bench, pysock):
    said = answer(*command, "--quick")
    assert "\x1b" not in said and "\r" not in said
    assert max(map(len, said.splitlines())) <= 80
    header, _, *table, end = said.partition("\n\n")[0].splitlines()
    assert header.split() == ["operation", "stdlib", "pysock", "ratio", "spread"]
    assert [line[:38].rstrip() for line in [*table, end]] == operations(bench)[1]
    assert f"pysock {pysock.__version__}, backend {pysock.BACKEND}, " in said
    assert sys.version.split()[0] in said
    assert ("without extensions" in said) == (pysock.BACKEND == "stdlib")


def test_json(command, bench, pysock):
    said = json.loads(answer(*command, "--json", "--quick"))
    assert (said["package"], said["backend"], said["quick"]) == ("pysock", pysock.BACKEND, True)
    assert [row["operation"] for row in said["rows"]] == operations(bench)[0]
    of_loops = {title for row in bench.programs.ROWS if row.of_loop for title in row.lines}
    for row in said["rows"]:
        assert row["stdlib_ns"] > 0 and row["package_ns"] > 0 and row["spread"] >= 0
        assert row["ratio"] == row["stdlib_ns"] / row["package_ns"]
        assert ("others" in row) == (row["operation"] in of_loops)
        for name, its in row.get("others", {}).items():
            assert name in LOOPS and (its is not None) == is_installed(name)
            if its:
                assert its["ratio"] == row["stdlib_ns"] / its["ns"] and its["spread"] >= 0


def is_installed(name):
    return importlib.util.find_spec(name) is not None


@pytest.fixture
def without_uvloop(monkeypatch, tmp_path):
    """Whether it is installed or not."""
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "uvloop.py").write_text("raise ModuleNotFoundError")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "first"))
    monkeypatch.chdir(ROOT)


def test_picture(command, bench, pysock, tmp_path):
    path = tmp_path / "picture.svg"
    path.write_text("what was there before" * 10_000)
    said = json.loads(answer(*command, "--quick", "--json", "--svg", str(path)))
    root = ET.fromstring(path.read_text())
    texts = [element.text for element in root.iter(f"{SVG}text")]
    for row in said["rows"]:
        at = texts.index(row["operation"])
        times = [bench.duration(row[side]) for side in ("stdlib_ns", "package_ns")]
        assert texts[at + 1 : at + 3] == [bench.chart.label(row["ratio"]), ", ".join(times)]
        for name, its in row.get("others", {}).items():
            at = texts.index(f"{row['operation']}: {name}")
            assert texts[at + 1] == (bench.chart.label(its["ratio"]) if its else "not installed")
    measured = sum(1 + len(row.get("others", {})) for row in said["rows"])
    drawn = sum(1 for bar in root.iter(f"{SVG}rect") if bar.get("class") != "page")
    assert drawn == measured - (0 if is_installed("uvloop") else texts.count("not installed"))
    assert any(f"backend {pysock.BACKEND}" in text for text in texts)
    assert any("WITHOUT" in text for text in texts) == (pysock.BACKEND == "stdlib")


def test_loop_that_is_not_installed(command, without_uvloop, tmp_path):
    """And its processes find the package in the folder that only `-m` had in its path."""
    path = tmp_path / "picture.svg"
    said = answer(*command, "--quick", f"--svg={path}").splitlines()
    lines = [line for line in said if line.startswith("    uvloop in its place")]
    assert len(lines) == 6 and all(line.endswith(" not installed") for line in lines)
    assert path.read_text().count(">not installed<") == 6


@pytest.mark.parametrize(
    "path, reason", [("missing/picture.svg", "No such file"), (".", "Is a directory")]
)
def test_picture_that_cannot_be_written(command, tmp_path, path, reason):
    """It is told at the start, before anything is measured."""
    done = subprocess.run(
        [*command, "--svg", path], cwd=tmp_path, capture_output=True, text=True, timeout=20
    )
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert f"-m pysock: can't write file {path!r}: [Errno " in line and reason in line


@only_linux
def test_picture_on_a_full_disk(command):
    done = subprocess.run(
        [*command, "--quick", "--svg", "/dev/full"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2 and done.stdout.startswith("operation")
    (line,) = done.stderr.splitlines()
    assert line.endswith("[Errno 28] No space left on device")


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    ours, theirs = pty.openpty()
    with open(ours, "rb", buffering=0) as ours, open(theirs, "wb", buffering=0) as theirs:
        yield ours, theirs


@pytest.mark.parametrize("columns, widest", [(0, 79), (200, 79), (40, 39)])
def test_progress_is_for_terminals(command, bench, terminal, columns, widest):
    ours, theirs = terminal
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
    done = subprocess.run([*command, "--quick", "--json"], stdout=subprocess.PIPE, stderr=theirs)
    assert done.returncode == 0 and json.loads(done.stdout)
    seen = ours.read(4096).decode()
    lines = seen.split("\r")
    total = len(bench.ROWS) + len(bench.programs.ROWS)
    assert lines[1].startswith("[ ") and f" 0/{total} {bench.ROWS[0].title[:10]}" in seen
    assert lines[-3].startswith("[###") and not lines[-2].strip() and lines[-1] == ""
    assert {len(line) for line in lines[1:-1]} == {widest}
    assert "\n" not in seen and "\x1b" not in seen


def test_table_on_a_terminal(command, bench, terminal):
    """Wiped of the bar, in 80 columns, with colours."""
    ours, theirs = terminal
    with subprocess.Popen([*command, "--quick"], stdout=theirs, stderr=theirs) as process:
        theirs.close()
        said = b""
        try:
            while piece := ours.read(4096):
                said += piece
        except OSError:
            pass  # how the end of a terminal's other side shows
    assert process.returncode == 0
    table = said.decode().rpartition(" \r")[2]
    assert table.startswith("\x1b[1moperation") and "\x1b[0m" in table
    assert bench.ROWS[0].title in table
    plain = re.sub(r"\x1b\[\d+m", "", table)
    assert "\x1b" not in plain and max(map(len, plain.split("\r\n"))) <= 80


def test_no_progress_on_a_dumb_terminal(command, terminal):
    ours, theirs = terminal
    done = subprocess.run(
        [*command, "--quick"], stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "dumb"}
    )
    said = ours.read(8192)
    assert done.returncode == 0 and said.startswith(b"operation")
    assert b"\x1b" not in said and b"\r" not in said.replace(b"\r\n", b"")


def test_interrupt(command, terminal, tmp_path):
    ours, theirs = terminal
    # Without -X dev and -W error: an interrupt may come between a socket and its `with`.
    command = [sys.executable, *command[command.index("-m") :], "--svg", tmp_path / "picture.svg"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs) as process:
        seen = ours.read(1)  # the bar: it has begun
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == b""
    assert process.returncode == 130
    assert b"Traceback" not in seen + ours.read(4096)
    assert not list(tmp_path.iterdir())


def running(mark):
    """Return the processes that have *mark* in their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark in path.read_bytes():
                found.append(path.parent.name)
    return found


@only_linux
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_is_left(command, terminal, monkeypatch, number):
    """Where the rows of whole programs are interrupted, and where the first process is killed."""
    mark = f"{os.getpid()}-{time.monotonic_ns()}"
    monkeypatch.setenv("PYSOCK_TEST_MARK", mark)
    ours, theirs = terminal
    command = [sys.executable, *command[command.index("-m") :], "--quick"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs) as process:
        seen = b""
        while b" echo by threads" not in seen:
            seen += ours.read(4096)
        assert len(running(mark.encode())) > 3
        process.send_signal(number)
        assert process.stdout.read() == b""
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    deadline = time.monotonic() + 20
    while running(mark.encode()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    theirs.write(b"the end")
    while b"the end" not in seen:
        seen += ours.read(4096)
    assert b"Traceback" not in seen


EVERY_ROW = """\
import gc, os, sys, threading
from pysock._cli.variants import VARIANTS
variant = VARIANTS[sys.argv[1]]
assert variant.enter()
from pysock._cli import children, programs, threads

def look(event, arguments):
    if event in ("socket.bind", "socket.connect"):
        addresses.add(arguments[1][0])

addresses = set()
sys.addaudithook(look)
with children.Child("clients", group=False) as clients:
    here = threads.Here(lambda *arguments: clients.ask(arguments), variant.new_loop)
    for again in range(2):
        for row in programs.ROWS:
            figures = row.figures(0.05, here)
            assert all(programs.nanoseconds(figures, key) > 0 for key in row.lines.values())
            gc.collect()
            numbers = os.listdir("/proc/self/fd")
            assert not again or len(numbers) == before, (row, numbers)
        before = len(numbers)
    assert threading.enumerate() == [threading.main_thread()]
print(*addresses)
"""


@only_linux
@pytest.mark.parametrize(
    "variant",
    [
        "socket",
        "pysock",
        *(pytest.param(name, marks=needs(name, is_installed(name))) for name in LOOPS),
    ],
)
def test_a_row_leaves_nothing_behind(command, variant):
    """No thread, no descriptor. All of its ports are on loopback."""
    said = answer(*command[: command.index("-m")], "-c", EVERY_ROW, variant)
    assert said == "127.0.0.1\n"


@pytest.mark.parametrize("terminal, no_color", [(True, ""), (True, "1"), (False, "")])
def test_figures_for_people(bench, monkeypatch, terminal, no_color):
    """Losses are shown as plainly as wins; colours are for terminals alone."""
    stdout = io.StringIO()
    stdout.isatty = lambda: terminal
    monkeypatch.setattr(sys, "stdout", stdout)
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm")
    about = dict.fromkeys(["version", "backend", "python", "system"], "a-long-word " * 3)
    about["package"] = "service._vendor.a_long_name"
    table = [
        {"operation": "o" * 38, "stdlib_ns": theirs, "package_ns": ours, "spread": 0.1234}
        | {"ratio": theirs / ours}
        for theirs, ours in [(0.5, 1), (99.96, 999.7), (1e7, 1e3), (1e5, 1e5)]
    ]
    header, _, lost, lost_more, won, even, *_ = lines = list(bench.render(about, table))
    red, green, plain = (
        ("\x1b[31m", "\x1b[32m", "\x1b[0m") if terminal and not no_color else [""] * 3
    )
    bold = "\x1b[1m" if green else ""
    assert header.startswith(f"{bold}operation ") and header.endswith(f" spread{plain}")
    assert header.split()[1:4] == ["stdlib", "a_long_n", "ratio"]
    assert lost.endswith(f" 0.500 ns  1.00 ns {red}   0.50{plain}    12%")
    assert lost_more.endswith(f" 100 ns  1.00 us {red}   0.10{plain}    12%")
    assert won.endswith(f" 10.0 ms  1.00 us {green}10000.00{plain}    12%")
    assert even.endswith("  100 us   100 us    1.00    12%")
    assert "slower by over 3%: 2 of 4 rows" in lines[6]
    others = {"a_loop": {"ns": 5e4, "ratio": 2.0, "spread": 0.02}, "another": None}
    *_, loop, none, _, _, _, _ = bench.render(about, [*table, {**table[-1], "others": others}])
    assert loop.endswith(f" 100 us  50.0 us {green}   2.00{plain}     2%")
    assert loop.startswith("    a_loop in its place  ")
    assert none.startswith("    another in its place  ") and none.endswith("  not installed")
    assert max(len(line) for text in lines for line in text.replace("\x1b[", "").split("\n")) <= 80


def test_standard_library_is_measured_where_pysock_is_installed(bench, pysock, monkeypatch):
    seen = []
    monkeypatch.setattr(bench, "measure", lambda *_: seen.append(socket.socket))
    monkeypatch.setattr(bench.programs, "ROWS", [])
    monkeypatch.setattr(bench.programs, "started", contextlib.nullcontext)
    monkeypatch.setattr(bench, "render", lambda *_: [])
    with pysock.installed():
        assert socket.socket is pysock.socket
        bench.run({})
    assert set(seen) == {pysock._shared.original.socket}


def test_other_programs_do_not_load_it(command, pysock):
    program = """if True:
        import sys
        ours = {name for name in sys.modules if name.startswith("pysock._cli")}
        others = {"asyncio", "json", "platform", "subprocess", "timeit"}
        print(ours | others & set(sys.modules))"""
    assert answer(*command[:-1], "-c", program) == "set()\n"
