"""Real programs with real servers, unchanged, on the standard library and on pysock.

    python tests/compat/run.py                       everything, six rounds
    python tests/compat/run.py --quick               few requests, to see whether it works
    python tests/compat/run.py --only redis_py http_server
    python tests/compat/run.py --install             first installs the servers that are missing

Each program of programs/ checks every byte it gets, then measures itself; it knows nothing of
pysock. ways.py says how each is run, servers.py what they talk to (Debian's packages), table.py
what is printed. The packages of requirements.txt are installed in .venv/compat-VERSION.

The exit status is 0 when every program that passes on the standard library passes on pysock, 1 when
one does not, 2 when a program does not pass on the standard library, or a server is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from pathlib import Path

import servers
from catalogue import PROGRAMS
from environment import add_options, prepare, versions
from table import Report
from ways import WAYS, run

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"

QUICK = 20  # times fewer requests
ROUNDS = 6  # of which by chance all say the same once in 32 times


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few requests, one round")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--rounds", type=int, default=0, metavar="N", help="6; with --quick 1")
    add_options(parser, "run")
    parser.add_argument("--list", action="store_true", help="name the programs, and end")
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.only) - {program.name for program in PROGRAMS}:
        parser.error(f"no such program: {', '.join(sorted(unknown))}")
    return arguments


def main(argv: list[str] | None = None) -> int:
    arguments = parse_arguments(argv)
    chosen = [p for p in PROGRAMS if not arguments.only or p.name in arguments.only]
    if arguments.list:
        print("\n".join(f"{program.name:22}{program.exercised}" for program in chosen))
        return 0
    names = list(dict.fromkeys(name for program in chosen for name in program.servers))
    python, about = prepare(names, REQUIREMENTS, "compat", install=arguments.install)
    rounds = arguments.rounds or (1 if arguments.quick else ROUNDS)
    report = Report(about, versions(python), rounds, list(WAYS))
    with tempfile.TemporaryDirectory(prefix="compat-") as directory:
        os.chmod(directory, 0o711)  # servers that are not root's have theirs in it
        with servers.running(names, Path(directory), python) as found:
            report.servers = {name: servers.version(name) for name in names}
            for program in chosen:
                requests = max(40, program.requests // (QUICK if arguments.quick else 1))
                for number in range(rounds):
                    # In turn, and not always in the same order: what drifts hits all alike.
                    order = list(WAYS) if number % 2 == 0 else list(WAYS)[::-1]
                    for way in order:
                        report.add(program, way, run(python, program, way, requests, found))
                print(report.progress(program), file=sys.stderr, flush=True)
    print(report.text())
    if arguments.json:
        arguments.json.write_text(json.dumps(report.as_json(), indent=1) + "\n", encoding="utf-8")
    return report.status


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing is left behind
    sys.exit(main())
