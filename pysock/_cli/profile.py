"""`--profile`: run a program, and say at its end what its sockets have done, and where.

Nothing of the standard library is imported here that the program may have a module of its own for.
"""

import atexit
import os
import sys
import time

from .._shared import PACKAGE
from . import hints
from .hints import count, size

package = sys.modules[PACKAGE]
if package.BACKEND == "c":
    from .._compiled import profile as counters
else:
    from .._fallback import profile as counters

FOLDER = os.path.dirname(os.path.abspath(package.__file__)) + os.sep
PLACES = 10  # so many call sites are shown
ENOUGH_CPU = 0.01  # seconds; a share of less says nothing
WIDTH = 80
COLUMNS = "{:15.15} {:>10} {:>9} {:>7} {:>8} {:>8} {:>8} {:>8}"
HEADINGS = ("call", "calls", "bytes", "waits", "waited", "no data", "no poll", "CPU")
SITE_COLUMNS = "{:30} {:10.10} {:>9} {:>9} {:>8} {:>8}"
SITE_HEADINGS = ("calls", "bytes", "waited", "CPU")
SITE_WIDTH = 30


class Profile:
    """What is known from the start of the program to its end."""

    def __init__(self, program, as_json, path):
        self.program, self.as_json = program, as_json
        self.path = os.path.abspath(path) if path else None
        self.stream = sys.stderr
        self.search_path = sys.path[:]
        self.folder = os.getcwd()
        self.process = os.getpid()  # a child that was forked has no report
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def facts(self):
        """Return what the report says, as JSON has it."""
        wall, cpu = time.perf_counter() - self.wall, time.process_time() - self.cpu
        sites = dearest(merged(counters.sites(), ("call", "file", "line")))
        calls = {each.pop("call"): each for each in merged(sites, ("call",))}
        for each in calls.values():
            del each["file"], each["line"]
        used = sum(site["cpu_ns"] for site in sites) / 1e9
        share = min(used / cpu, 1.0) if cpu >= ENOUGH_CPU else None

        def connections(*names):
            """One that would block has begun."""
            made = [calls[name] for name in names if name in calls]
            return sum(each["calls"] - each["errors"] - each["timeouts"] for each in made)

        accepted = connections("accept") - calls.get("accept", {}).get("would_blocks", 0)
        return {
            "program": self.program,
            "backend": package.BACKEND,
            "wall_s": wall,
            "cpu_s": cpu,
            "sockets_cpu_s": used,
            "sockets_share": share,
            "connected": connections("connect", "connect_ex"),
            "accepted": accepted,
            "calls": dict(sorted(calls.items(), key=lambda item: -item[1]["cpu_ns"])),
            "sites": sites,
            "hints": hints.hints(sites, calls, share, self.place),
        }

    def place(self, site):
        """Return `file:line`, short where the file is in the folder of the start."""
        file = site["file"].removeprefix(self.folder + os.sep)
        return f"{file}:{site['line']}" if file else "outside Python code"

    def report(self):
        if os.getpid() != self.process:
            return
        facts = self.facts()
        if self.as_json:
            text = self.json(facts)
        else:
            text = "\n".join(line[:WIDTH] for line in render(facts, self.place))
        try:
            if self.path:
                with open(self.path, "w", encoding="utf-8") as file:
                    print(text, file=file)
            else:
                print(text, file=self.stream, flush=True)
        except (OSError, ValueError, AttributeError):  # the program has closed it, or has none
            pass

    def json(self, facts):
        # The standard library's, which the program may have hidden behind a module of its own.
        sys.path[:] = self.search_path
        for name in [name for name in sys.modules if name.partition(".")[0] == "json"]:
            del sys.modules[name]
        import json

        return json.dumps(facts, indent=2)


def merged(entries, key):
    """Add up the numbers of *entries* that have the same *key*, a tuple of names."""
    sums = {}
    for entry in entries:
        found = sums.setdefault(tuple(entry[name] for name in key), {})
        for name, value in entry.items():
            if name in key or isinstance(value, str) or name == "line":
                found[name] = value
            else:
                found[name] = found.get(name, 0) + value
    return list(sums.values())


def dearest(sites):
    """Return the sites by the CPU time that they take."""
    return sorted(sites, key=lambda site: (-site["cpu_ns"], site["file"], site["line"]))


def duration(ns):
    for unit, of in (("us", 1e3), ("ms", 1e6), ("s", 1e9)):
        if ns < 999.5 * of or unit == "s":
            break
    return f"{ns / of:.3g} {unit}" if ns else ""


def columns(entry):
    """Return the numbers of a call or of a site as texts, '' for 0."""
    texts = (
        count(entry["calls"]),
        size(entry["bytes"]),
        count(entry["waits"]),
        duration(entry["waited_ns"]),
        count(entry["would_blocks"]),
        count(entry["polls_avoided"]),
        duration(entry["cpu_ns"]),
    )
    return ["" if text in ("0", "0 B") else text for text in texts]


def wrapped(text, indent="  "):
    """Yield *text* in lines of at most WIDTH columns. (textwrap would import more.)"""
    line = "* "
    for word in text.split():
        if len(line) + len(word) >= WIDTH and line.strip(" *"):
            yield line.rstrip()
            line = indent
        line += word + " "
    yield line.rstrip()


def render(facts, place):
    """Yield the lines of the report."""
    share = facts["sockets_share"]
    used = "" if share is None else f", {share:.0%} of it in sockets"
    name = package.__name__
    yield f"{name} profile: {facts['wall_s']:.3g} s, {facts['cpu_s']:.3g} s of CPU{used}"
    yield f"connections: {count(facts['connected'])} made, {count(facts['accepted'])} accepted"
    if not facts["calls"]:
        yield "no call of a socket"
        return
    yield ""
    yield COLUMNS.format(*HEADINGS)
    for call, entry in facts["calls"].items():
        yield COLUMNS.format(call, *columns(entry))
    yield ""
    yield SITE_COLUMNS.format("dearest places", "call", *SITE_HEADINGS)
    for site in facts["sites"][:PLACES]:
        where = place(site)
        if len(where) > SITE_WIDTH:
            where = "..." + where[3 - SITE_WIDTH :]  # the end says more
        calls, nbytes, _, waited, _, _, cpu = columns(site)
        yield SITE_COLUMNS.format(where, site["call"], calls, nbytes, waited, cpu)
    if facts["hints"]:
        yield ""
        yield "hints"
        for hint in facts["hints"]:
            yield from wrapped(hint)


def start(program, *, as_json=False, path=None):
    """Count the calls of *program* from now on; report them when the interpreter exits."""
    if path:
        open(path, "a").close()  # an error comes before the program, not after it
    profile = Profile(program, as_json, path)
    counters.start(FOLDER)
    atexit.register(profile.report)  # before the program registers its own, so after them
