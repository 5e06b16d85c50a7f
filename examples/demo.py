"""Unchanged programs on the standard library and on pysock, side by side, every byte checked.

Run it: python demo.py          (under a minute)
        python demo.py --quick  (one short round: the checks, not the times)

Greeting servers over TCP, UDP and Unix-domain sockets, `http.server` and an FTP server, each
with its clients, run as child programs: by `python program.py`, and by
`python -m pysock program.py`. The exit status is 0 if all of them ran and every check passed.
"""

import argparse
import os
import platform
import signal
import sys
import tempfile
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

if find_spec("pysock") is None:
    # Not installed: the checkout that this file is in will do.
    sys.path.append(str(Path(__file__).resolve().parent.parent))

from demo.children import PROGRAMS, PYSOCK, STDLIB, ChildFailed, output
from demo.scenarios import Curl, Ftp, Greeting, Http, Payload, Scenario, Visit
from demo.table import HEADER, LEGEND, Row


def scenarios(folder: Path, quick: bool) -> list[Scenario]:
    served = folder / "served"
    served.mkdir()
    payload = Payload.make(served, 8 << 20)
    clients, times = (50, 2) if quick else (1000, 10)
    return [
        Greeting("TCP", clients, folder),
        Greeting("UDP", clients, folder),
        Greeting("Unix", clients, folder),
        Http(payload, times),
        Curl(payload, times),
        Ftp(payload, times),
    ]


def run(scenario: Scenario, rounds: int) -> dict[str, list[Visit]]:
    """Visit the scenario's two servers in turns, so that a busy moment of the machine hits both."""
    visits: dict[str, list[Visit]] = {STDLIB.name: [], PYSOCK.name: []}
    with ExitStack() as servers:
        addresses = {}
        for runtime in (STDLIB, PYSOCK):
            address, socket_class = servers.enter_context(scenario.server(runtime))
            if socket_class != runtime.socket_class:
                raise ChildFailed(f"the server on {runtime.name} has a {socket_class}")
            addresses[runtime] = address
        for number in range(rounds):
            # Nor may one of them always be the first of the pair.
            for runtime in (STDLIB, PYSOCK) if number % 2 == 0 else (PYSOCK, STDLIB):
                visits[runtime.name].append(scenario.visit(runtime, addresses[runtime]))
    return visits


def chosen_backend() -> str:
    """Which backend the children on pysock ran on; one of them is asked."""
    name = output(*PYSOCK.python, PROGRAMS / "backend.py").strip()
    if name != "stdlib":
        return f"the compiled extension (pysock.BACKEND is {name!r})"
    if os.environ.get("PYSOCK_NO_EXTENSIONS"):
        return "the fallback, on the standard library: PYSOCK_NO_EXTENSIONS is set"
    return "no extension was built: this is the fallback, on the standard library"


def measure(scenario: Scenario, rounds: int) -> tuple[Row, bool]:
    """One row of the table, and whether it is as it should be."""
    if obstacle := scenario.obstacle():
        return Row(scenario.title, note=f"not run, {obstacle}"), scenario.optional
    try:
        row = Row(scenario.title, run(scenario, rounds))
    except ChildFailed as failure:
        return Row(scenario.title, note=f"FAILED: {failure}"), False
    return row, not row.failures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one short round")
    quick = parser.parse_args().quick
    rounds = 1 if quick else 11
    # Unwind when told to end: the servers must not outlive the demo.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))

    succeeded, backend = True, chosen_backend()
    print(HEADER, "-" * len(HEADER), sep="\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="pysock-demo-") as folder:
        for scenario in scenarios(Path(folder), quick):
            row, as_it_should = measure(scenario, rounds)
            print(row, *row.failures[:3], sep="\n", flush=True)
            succeeded &= as_it_should
    print("-" * len(HEADER))
    print(LEGEND)
    if quick:
        print("--quick: this was too short for the times to mean anything")
    print(f"{rounds} rounds on CPython {platform.python_version()}, {platform.system()}")
    print(f"backend: {backend}")
    print("all checks passed" if succeeded else "NOT everything ran and passed, see above")
    return 0 if succeeded else 1


if __name__ == "__main__":
    sys.exit(main())
