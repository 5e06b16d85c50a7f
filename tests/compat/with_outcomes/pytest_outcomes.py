"""Writes what became of each test, a line of JSON each, as it happens: a crash loses none of it."""

import json
import os
import socket


class Outcomes:
    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8")
        self.process = os.getpid()  # what tests fork is not asked
        self.say(socket=socket.socket.__module__)

    def say(self, **what):
        if os.getpid() == self.process:
            self.file.write(json.dumps(what) + "\n")
            self.file.flush()

    def pytest_runtest_logstart(self, nodeid):
        self.say(test=nodeid)

    def pytest_runtest_logreport(self, report):
        if report.when != "call" and report.outcome == "passed":
            return
        expected = hasattr(report, "wasxfail") and report.outcome == "skipped"
        outcome = "xfailed" if expected else report.outcome
        self.say(test=report.nodeid, outcome=outcome, text=report.longreprtext)

    def pytest_collectreport(self, report):
        if report.failed:
            self.say(test=report.nodeid, outcome="failed", text=report.longreprtext)

    def pytest_sessionfinish(self):
        self.say(ended=True)


def pytest_configure(config):
    config.pluginmanager.register(Outcomes(os.environ["PYTEST_OUTCOMES"]), "outcomes")
