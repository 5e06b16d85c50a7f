"""The runner of `make compat-suites`: what is planted to fail on pysock alone is lost, and told."""

import json
import sys
import tarfile

import difference
import pytest
import servers
import suite_run
import suites
from difference import Outcome, SuiteRun
from projects import PROJECTS, Project

TOY = """
import os, pathlib, socket, threading, unittest
import pytest

PYSOCK = socket.socket.__module__ != "socket"

def test_right(): pass
def test_wrong_everywhere(): assert False
def test_wrong_on_pysock(): assert not PYSOCK, "planted"
def test_skipped_on_pysock():
    if PYSOCK:
        pytest.skip("planted")
@pytest.fixture
def torn():
    yield
    assert not PYSOCK, "planted"
def test_torn_down_wrong_on_pysock(torn): pass
@pytest.mark.xfail(reason="planted")
def test_expected_to_fail(): assert False
@pytest.mark.parametrize("name", ["a/b::c", "\\u00e4 [x]"])
def test_with_a_name(name): pass
"""

ENDS = """
import os, socket

def test_before(): pass
def test_ends_it():
    if socket.socket.__module__ != "socket":
        os._exit(3)
def test_after(): pass
"""

CHANCE = """
import pathlib, socket

def test_chance():
    mark = pathlib.Path({mark!r})
    if socket.socket.__module__ == {where!r} and not mark.exists():
        mark.touch()
        assert False, "planted"
"""


@pytest.fixture
def project(monkeypatch, tmp_path):
    """Returns a Project whose source distribution has the given test file."""
    monkeypatch.setattr(suite_run, "DOWNLOADS", tmp_path)

    def make(source):
        (tmp_path / "test_toy.py").write_text(source, encoding="utf-8")
        with tarfile.open(tmp_path / "Toy-1.tar.gz", "w:gz") as archive:
            archive.add(tmp_path / "test_toy.py", "Toy-1/tests/test_toy.py")
        return Project("toy", "1")

    return make


@pytest.fixture(autouse=True)
def without_the_plugin_for_timeouts(monkeypatch):
    """This virtual environment's pytest has none."""
    monkeypatch.setattr(suite_run, "ALWAYS", ())


def compare(project, way="install()", known=()):
    return suites.compare(sys.executable, project, way, dict(known))


def names(tests):
    return [test.partition("::")[2] for test in tests]


@pytest.mark.parametrize("way", ["install()", "-m pysock"])
def test_what_is_lost(project, way):
    found = compare(project(TOY), way)
    assert names(found.lost()) == [
        "test_wrong_on_pysock",
        "test_skipped_on_pysock",
        "test_torn_down_wrong_on_pysock",
    ]
    assert found.status == 1 and found.before.passed() == 6 and found.after.passed() == 3
    report = difference.Report(
        {"package": "p", "version": "1", "backend": "c", "python": "3", "system": "s"}, way
    )
    report.differences.append(found)
    text = report.text()
    assert json.dumps(report.as_json())
    assert report.status == 1 and "8 tests of 1 projects; lost on pysock: 3" in text
    assert "== lost: toy, tests/test_toy.py::test_wrong_on_pysock: passed on socket" in text
    assert "AssertionError: planted" in text
    assert text.count("== lost:") == 3 and "== rerun" not in text
    failing = text.partition("== fails on socket: toy\n")[2].splitlines()[0]
    assert failing == "tests/test_toy.py::test_wrong_everywhere"


def test_a_known_difference_is_not_lost_and_is_not_forgotten(project):
    known = {
        f"tests/test_toy.py::{name}": "a reason"
        for name in ("test_wrong_on_pysock", "test_skipped_on_pysock", "test_right")
    }
    found = compare(project(TOY), known=known)
    assert names(found.lost()) == ["test_torn_down_wrong_on_pysock"]
    said = "\n".join(difference.remarks(found))
    assert "known difference: toy, tests/test_toy.py::test_wrong_on_pysock: a reason" in said
    assert "no longer lost: toy, tests/test_toy.py::test_right: a reason" in said


def test_what_did_not_run_is_lost(project):
    found = compare(project(ENDS))
    assert names(found.lost()) == ["test_ends_it", "test_after"]
    assert "began, and never ended: exit status 3" in difference.remarks(found)[1]
    assert found.after.failure.startswith("exit status 3")


@pytest.mark.parametrize("where", ["socket", "pysock"])
def test_chance_is_told_from_loss(project, tmp_path, where):
    found = compare(project(CHANCE.format(mark=str(tmp_path / "mark"), where=where)))
    assert found.lost() == [] and found.status == (2 if where == "socket" else 0)
    assert ("== rerun: toy" in "".join(difference.remarks(found))) == (where == "pysock")


def test_a_failure_on_both_sides_hides_no_loss(project):
    """By chance on the standard library, for a reason on pysock: the second run shows it."""
    test = "tests/test_toy.py::test_it"
    passed, failed = SuiteRun({test: Outcome("passed")}), SuiteRun({test: Outcome("failed")})
    hidden = difference.Difference(PROJECTS[0], failed, failed, passed, failed)
    assert hidden.suspects() == hidden.lost() == [test]


def test_tests_that_do_not_run_anywhere_are_no_success(project):
    found = compare(project("import no_such_module"))
    assert found.status == 2 and found.lost() == []
    assert found.before.of("tests/test_toy.py").outcome == "failed"
    assert difference.Report({}, "").status == 2


def test_a_run_that_hangs_is_ended(project, monkeypatch, tmp_path):
    monkeypatch.setattr(suite_run, "LIMIT", 3)
    hangs = project("import time\ndef test_hangs(): time.sleep(100)")
    run = suite_run.run(sys.executable, hangs, "socket", tmp_path / "run")
    assert not (tmp_path / "run").exists()
    assert run.failure.startswith("not done in 3 s")


def test_another_socket_class_is_no_success(tmp_path):
    record = tmp_path / "outcomes"
    lines = [{"socket": "socket"}, {"test": "t", "outcome": "passed", "text": ""}, {"ended": True}]
    record.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert suite_run.read(record, "socket", "").passed() == 1
    run = suite_run.read(record, "pysock", "")
    assert run.passed() == 0 and run.failure == "its socket class is not that of pysock"


def test_known_differences_are_read():
    known = suites.known_differences("# no\n\nurllib3 test/test_x.py::test[a # b]  # why: so\n")
    assert known == {"urllib3": {"test/test_x.py::test[a # b]": "why: so"}}
    text = suites.KNOWN.read_text(encoding="utf-8")
    assert suites.known_differences(text).keys() <= {project.name for project in PROJECTS}


@pytest.mark.parametrize("each", PROJECTS, ids=lambda each: each.name)
def test_the_projects_are_those_of_the_requirements(each):
    required = suites.REQUIREMENTS.read_text(encoding="utf-8").lower()
    # What is not among them is run from its own tree.
    if f"\n{each.name}==".lower() in required:
        assert f"\n{each.name}=={each.version}\n".lower() in required
    assert set(each.servers) <= servers.SERVERS.keys()
