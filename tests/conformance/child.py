"""Runs one test module in this process and reports each test as a line of JSON.

Started by supervisor.py as `python child.py SPEC`, where SPEC is a JSON file: the mode, the backend
that must answer, the module, the tests to leave out, and the file that receives the report.
"""

import faulthandler
import json
import os
import signal
import sys
import time

DETAIL_LINES = 40


class Report:
    """Lines of JSON in a file, opened anew for each: a test may close any descriptor."""

    def __init__(self, path):
        self.path = path
        self.sockets = [0, 0]
        self.loops = [0, 0, 0]

    def write(self, event, **fields):
        counts = {"sockets": self.sockets, "loops": self.loops}
        line = json.dumps({"event": event, **counts, **fields}) + "\n"
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(fd, line.encode())
        finally:
            os.close(fd)


def enter(mode, backend):
    """Bring pysock in as the mode says; returns it, or None in the baseline."""
    if mode == "plain":
        return None
    import pysock

    if pysock.BACKEND != backend:
        raise RuntimeError(
            f"pysock.BACKEND is {pysock.BACKEND!r}, asked for {backend!r} ({pysock.__file__})"
        )
    if "install" in mode:
        pysock.install(asyncio=False)
    if "loop" in mode:
        loop_mode.put_in(pysock, coalesce_writes="coalesce" in mode)
    return pysock


def count_sockets(pysock):
    """Count the sockets made from here on: [of pysock's class, of any other]."""
    counts = [0, 0]
    own = pysock.socket if pysock else ()

    def hook(event, args):
        if event == "socket.__new__":
            counts[not isinstance(args[0], own)] += 1

    sys.addaudithook(hook)
    return counts


def import_tests(name, mode, pysock):
    import importlib

    from test import support

    support.verbose = 0
    # test_timeout and test_socketserver ask for 'network' as a whole, though they are local.
    support.use_resources = ["network", "walltime"]
    if "loop" in mode:
        loop_mode.end_debug_mode()
        return loop_mode.import_with(pysock.EventLoop, name)
    tests = importlib.import_module(name)
    if mode == "alias":
        # That import brought in all the libraries, with the original; the second one is the alias.
        sys.modules["socket"] = pysock
        del sys.modules[name]
        tests = importlib.import_module(name)
    return tests


def flatten(suite):
    for item in suite:
        if hasattr(item, "__iter__"):
            yield from flatten(item)
        else:
            yield item


def matches(pattern, test_id):
    """Whether one of the |-separated patterns is in the id: a glob, else a plain part of it."""
    import fnmatch

    return any(
        fnmatch.fnmatchcase(test_id, part) if "*" in part else part in test_id
        for part in pattern.split("|")
    )


def select(suite, spec):
    """The suite without the tests to leave out."""
    import unittest

    tests = [
        test
        for test in flatten(suite)
        if all(matches(pattern, test.id()) for pattern in spec["patterns"] if pattern)
        and (spec["only"] is None or test.id() in spec["only"])
    ]
    kept = [
        test
        for test in tests
        if test.id() not in spec["skip"] and not test.id().endswith(tuple(spec["excluded"]))
    ]
    return unittest.TestSuite(kept)


def result_class():
    # Imported here: in install mode nothing may come before pysock.
    import unittest
    from unittest.case import _SubTest

    class Result(unittest.TestResult):
        """Reports a start and an outcome for each test, and what goes wrong in fixtures."""

        def __init__(self, report):
            super().__init__()
            self.report = report
            self.current = None

        def startTest(self, test):
            super().startTest(test)
            self.current, self.started = test.id(), time.monotonic()
            self.status, self.detail = "passed", ""
            self.report.write("start", id=self.current)

        def stopTest(self, test):
            super().stopTest(test)
            if self.current is None:  # skipped by its decorator, and not started, in 3.12.1
                return
            self.report.write(
                "end",
                id=self.current,
                status=self.status,
                detail=self.detail,
                seconds=time.monotonic() - self.started,
            )
            self.current = None

        def _settle(self, test, status, detail):
            if self.current is None:
                # A fixture of a class or module; or a test that was not started, see stopTest.
                event = "end" if isinstance(test, unittest.TestCase) else "fixture"
                self.report.write(event, id=test.id(), status=status, detail=detail, seconds=0)
            elif self.status != "failed":
                self.status, self.detail = status, detail

        def _fail(self, test, err):
            lines = self._exc_info_to_string(err, test).splitlines()
            self._settle(test, "failed", "\n".join(lines[-DETAIL_LINES:]))

        def addError(self, test, err):
            self._fail(test, err)

        def addFailure(self, test, err):
            self._fail(test, err)

        def addSubTest(self, test, subtest, err):
            if err is not None:
                self._fail(test, err)

        def addSkip(self, test, reason):
            if not isinstance(test, _SubTest):
                self._settle(test, "skipped", reason)

        def addUnexpectedSuccess(self, test):
            self._settle(test, "failed", "unexpected success")

    return Result


def run(spec):
    faulthandler.enable()
    report = Report(spec["report"])
    try:
        pysock = enter(spec["mode"], spec["backend"])
    except Exception as error:  # whatever it is, it goes to the report
        report.write("error", detail=f"{type(error).__name__}: {error}")
        return 3
    report.sockets = count_sockets(pysock)
    if "loop" in spec["mode"]:
        report.loops = loop_mode.count_loops(pysock.EventLoop)
    import traceback
    import unittest

    try:
        tests = import_tests(spec["module"], spec["mode"], pysock)
        suite = select(unittest.defaultTestLoader.loadTestsFromModule(tests), spec)
    except unittest.SkipTest as skip:
        report.write("fixture", id="import", status="skipped", detail=str(skip), seconds=0)
    except Exception:  # likewise
        detail = traceback.format_exc()
        report.write("fixture", id="import", status="failed", detail=detail, seconds=0)
    else:
        suite.run(result_class()(report))
    report.write("done")
    return 0


if __name__ == "__main__":  # not in a process that a test spawns, which imports this file as well
    import loop_mode

    # Tests interrupt themselves. A shell's job in the background ignores the signal.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.path.pop(0)  # this folder: its modules are the runner's, not the tests'
    with open(sys.argv[1], encoding="utf-8") as file:
        sys.exit(run(json.load(file)))
