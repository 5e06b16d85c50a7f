"""The runner of `make compat`: it sees planted faults, and leaves nothing running behind."""

import json
import os
import socket
import sys
from pathlib import Path

import pytest
import servers
import table
import ways
from catalogue import PROGRAMS, Program

HERE = Path(__file__).resolve().parent
START = """
import json, os, socket, sys
def say(**more):
    done = {"requests": int(sys.argv[1]), "wall": 1.0, "cpu": 0.5}
    print(json.dumps({**done, "socket": socket.socket.__module__, **more}))
"""

TOYS = {
    "right": "say()",
    "wrong_on_pysock": "assert socket.socket.__module__ == 'socket', 'planted'; say()",
    "wrong_everywhere": "sys.exit('planted')",
    "takes_it_out": "import pysock; pysock.uninstall(); say()",
    "says_nothing": "",
    "stands_in": "say(socket='another')",
}


@pytest.fixture
def program(monkeypatch, tmp_path):
    """Returns a Program that has the given source."""
    monkeypatch.setattr(ways, "PROGRAMS", tmp_path)

    def make(name, source):
        (tmp_path / f"{name}.py").write_text(START + source)
        return Program(name, "", "a toy", 10)

    return make


def report_on(*programs):
    report = table.Report(
        {"package": "p", "version": "1", "backend": "c", "python": "3", "system": "s"},
        {},
        rounds=1,
        ways=list(ways.WAYS),
    )
    for each in programs:
        for way in ways.WAYS:
            report.add(each, way, ways.run(sys.executable, each, way, 10, {}))
    return report


@pytest.mark.parametrize(
    ("name", "verdicts", "status"),
    [
        ("right", ["pass", "pass", "pass"], 0),
        ("wrong_on_pysock", ["pass", "FAIL 1/1", "FAIL 1/1"], 1),
        ("wrong_everywhere", ["FAIL 1/1", "FAIL 1/1", "FAIL 1/1"], 2),
        ("takes_it_out", ["pass", "FAIL 1/1", "FAIL 1/1"], 1),
        ("says_nothing", ["FAIL 1/1", "FAIL 1/1", "FAIL 1/1"], 2),
        ("stands_in", ["FAIL 1/1", "FAIL 1/1", "FAIL 1/1"], 2),
    ],
)
def test_verdicts(program, name, verdicts, status):
    toy = program(name, TOYS[name])
    report = report_on(toy)
    assert [report.verdict(toy, way) for way in ways.WAYS] == verdicts
    assert report.status == status
    text = report.text()
    assert text.count(f"== {name}, ") == verdicts.count("FAIL 1/1")
    if name.startswith("wrong"):
        assert "planted" in text
    assert (f"lost on pysock: {name}" in text) == (status == 1)


def test_what_is_lost_counts_beside_what_fails_anyway(program):
    toys = [program(name, TOYS[name]) for name in ("wrong_everywhere", "wrong_on_pysock", "right")]
    report = report_on(*toys)
    assert report.status == 1 and "1 of 3 programs pass every way" in report.text()
    assert json.dumps(report.as_json())


def test_a_program_that_hangs_ends_with_all_that_it_started(program, monkeypatch):
    monkeypatch.setattr(ways, "LIMIT", 5)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        port = listener.getsockname()[1]
        hangs = program(
            "hangs",
            f"os.fork(); s = socket.create_connection(('127.0.0.1', {port})); s.recv(1)",
        )
        run = ways.run(sys.executable, hangs, "-m pysock", 10, {})
        assert run.failure.startswith("not done in 5 s")
        for _ in range(2):
            sock, _ = listener.accept()
            with sock:
                sock.settimeout(20)
                try:
                    assert sock.recv(1) == b""
                except ConnectionResetError:
                    pass


def runs(*walls, failure=""):
    return [{"requests": 10, "wall": wall, "cpu": 1.0, "failure": failure} for wall in walls]


def test_a_difference_is_one_that_every_round_shows():
    def rates(*walls_of_ways):
        given = [[table.Run(**run) for run in runs(*walls)] for walls in walls_of_ways]
        return table.comparisons(dict(zip(ways.WAYS, given, strict=True)))[0]

    twice = rates((4, 6, 20), (2, 3, 10), (2, 3, 10))
    assert twice.ratio == pytest.approx(2) and twice.settled
    half = rates((2, 3, 10), (4, 6, 20), (4, 6, 20))
    assert half.ratio == pytest.approx(0.5) and half.settled
    once_not = rates((4, 6, 20), (2, 3, 21), (2, 3, 21))
    assert once_not.ratio == pytest.approx(2) and not once_not.settled
    assert table.cell(once_not).split() == ["2", "3", "~2.00"]


def test_a_round_with_a_failure_has_no_figures():
    good, bad = table.Run(10, 1.0, 1.0), table.Run(failure="it did not work")
    given = {"socket": [good, good], "-m pysock": [good, bad], "install()": [good, good]}
    assert [figure.ratio for figure in table.comparisons(given)] == [1, 1]
    assert table.comparisons({way: [bad] for way in ways.WAYS}) == []


@pytest.mark.parametrize("each", PROGRAMS, ids=lambda each: each.name)
def test_the_catalogue_is_of_programs_that_know_nothing_of_pysock(each):
    source = (HERE / "programs" / f"{each.name}.py").read_text(encoding="utf-8")
    code = source.partition('"""')[2].partition('"""')[2]
    assert code and "pysock" not in code
    required = (HERE / "requirements.txt").read_text(encoding="utf-8")
    assert not each.package or f"\n{each.package}==" in required
    assert set(each.servers) <= servers.SERVERS.keys() == servers.PACKAGES.keys()


# Servers


def test_what_is_missing_is_named_by_its_package(monkeypatch):
    monkeypatch.setitem(servers.PACKAGES, "redis", ("no-such-program", "redis-server"))
    assert servers.missing(["redis"]) == ["redis-server"]
    assert servers.missing([]) == []


def test_a_server_that_does_not_start_is_told_with_what_it_said(tmp_path):
    command = [sys.executable, "-c", "import sys; sys.exit('no such thing')"]
    with pytest.raises(RuntimeError, match="no such thing"):
        with servers.serving(command, tmp_path, [servers.free_port()]):
            raise AssertionError("never here")


def test_a_server_has_its_own_time_to_be_ready(tmp_path):
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    with pytest.raises(RuntimeError, match="does not listen"):
        with servers.serving(command, tmp_path, [servers.free_port()], within=2):
            raise AssertionError("never here")


LISTENER = """
import os, signal, socket, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
    print(os.getpid(), flush=True)
    while True:
        listener.accept()[0].close()
"""


def test_a_server_is_stopped_whatever_happens(tmp_path):
    port = servers.free_port()
    command = [sys.executable, "-c", LISTENER, str(port)]
    with pytest.raises(ZeroDivisionError):
        with servers.serving(command, tmp_path, [port]):
            pid = int((tmp_path / "log").read_text())
            os.kill(pid, 0)
            raise ZeroDivisionError
    with pytest.raises(ProcessLookupError):  # waited for, too
        os.kill(pid, 0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
