"""What the demo runs: each scenario starts a server, visits it, and checks every byte."""

import hashlib
import random
import shutil
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from .children import PROGRAMS, Announced, ChildFailed, Runtime, output, report, serving


@dataclass(frozen=True)
class Payload:
    """A file to be served, and what is known of it."""

    path: Path
    size: int
    sha256: str

    @classmethod
    def make(cls, folder: Path, size: int) -> "Payload":
        content = random.Random(size).randbytes(size)
        path = folder / "payload.bin"
        path.write_bytes(content)
        return cls(path, size, hashlib.sha256(content).hexdigest())


@dataclass
class Visit:
    """What one run of a client brought: bytes, seconds, and checks, of which some may fail."""

    size: int = 0
    seconds: float = 0.0
    passed: int = 0
    failures: list[str] = field(default_factory=list)

    def check(self, what: str, found: Any, expected: Any) -> None:
        if found == expected:
            self.passed += 1
        else:
            self.failures.append(f"{what}: {found!r}, expected {expected!r}")


class Scenario:
    """A server and its client; the sub-classes say which, and how the client's work is checked."""

    # Without what an optional scenario needs, it is left out; without the others' the demo fails.
    optional: ClassVar[bool] = False

    @property
    def title(self) -> str:
        """Its line's beginning in the table."""
        raise NotImplementedError

    def obstacle(self) -> str | None:
        """What is in the way of running this here, and how to get rid of it; None if nothing."""
        return None

    def server(self, runtime: Runtime) -> AbstractContextManager[Announced]:
        """Run the server for the length of a `with` block, see `serving`."""
        raise NotImplementedError

    def visit(self, runtime: Runtime, address: str) -> Visit:
        """Run the client once, and return the `Visit`."""
        raise NotImplementedError


@dataclass(frozen=True)
class Greeting(Scenario):
    """Many clients say their name to a greeting server and are thanked by it."""

    kind: str
    clients: int
    folder: Path

    @property
    def title(self) -> str:
        return f"{self.kind} greeting x {self.clients}"

    def server(self, runtime: Runtime) -> AbstractContextManager[Announced]:
        program = PROGRAMS / f"{self.kind.lower()}_server.py"
        path = [self.folder / f"{runtime.name}.sock"] if self.kind == "Unix" else []
        return serving(runtime, program, *path)

    def visit(self, runtime: Runtime, address: str) -> Visit:
        program = PROGRAMS / "greeting_clients.py"
        told = report(runtime, program, self.kind.lower(), address, str(self.clients))
        visit = Visit(seconds=told["seconds"])
        visit.check("the clients' sockets", told["sockets"], [runtime.socket_class])
        visit.check("replies", len(told["replies"]), self.clients)
        for number, reply in enumerate(told["replies"]):
            visit.check("reply", reply, f"Thank you for connecting, client {number}")
            visit.size += len(reply.encode())
        return visit


@dataclass(frozen=True)
class Http(Scenario):
    """`python -m http.server` serves a folder, and urllib fetches a file from it."""

    payload: Payload
    times: int

    client: ClassVar[str] = "urllib"

    @property
    def title(self) -> str:
        return f"http.server, {self.client} x {self.times}"

    def server(self, runtime: Runtime) -> AbstractContextManager[Announced]:
        command = ["-m", "http.server", "0", "--bind", "127.0.0.1"]
        return serving(runtime, *command, "--directory", self.payload.path.parent, witness=True)

    def url(self, port: str) -> str:
        return f"http://127.0.0.1:{port}/{self.payload.path.name}"

    def visit(self, runtime: Runtime, port: str) -> Visit:
        told = report(runtime, PROGRAMS / "http_fetch.py", self.url(port), str(self.times))
        visit = Visit(size=self.payload.size * self.times, seconds=told["seconds"])
        visit.check("urllib's sockets", told["sockets"], [runtime.socket_class])
        visit.check("fetches", len(told["sha256"]), self.times)
        for sha256 in told["sha256"]:
            visit.check("sha256", sha256, self.payload.sha256)
        return visit


@dataclass(frozen=True)
class Curl(Http):
    """The same server, visited by a program that is not Python: curl."""

    client = "curl"
    optional = True

    def obstacle(self) -> str | None:
        return None if shutil.which("curl") else "there is no curl on this machine"

    def visit(self, _runtime: Runtime, port: str) -> Visit:
        # -q: not with the settings of whoever runs this. curl expands [1-n] and #1 by itself.
        arriving = self.payload.path.parent.with_name("arriving")
        arriving.mkdir(exist_ok=True)
        command = ["curl", "-q", "--silent", "--show-error", "--fail", "--fail-early"]
        command += ["--write-out", "%{time_total}\n", "--output", str(arriving / "#1")]
        printed = output(*command, f"{self.url(port)}?[1-{self.times}]")
        visit = Visit(seconds=sum(map(float, printed.split())))
        for number in range(1, self.times + 1):
            # Taken away when read, so that no visit is credited with the file of another.
            file = arriving / str(number)
            content = file.read_bytes()
            file.unlink()
            visit.check("sha256", hashlib.sha256(content).hexdigest(), self.payload.sha256)
            visit.size += len(content)
        return visit


@dataclass(frozen=True)
class Ftp(Scenario):
    """pyftpdlib serves a folder, ftplib lists it and fetches a file."""

    payload: Payload
    times: int

    @property
    def title(self) -> str:
        return f"pyftpdlib, ftplib x {self.times}"

    def obstacle(self) -> str | None:
        try:
            # Found is not enough: on Python 3.12 and up it needs pyasyncore, and pip brings it.
            output(sys.executable, "-W", "ignore", "-c", "import pyftpdlib.servers")
        except ChildFailed:
            return "pyftpdlib is missing: pip install pyftpdlib"
        return None

    def server(self, runtime: Runtime) -> AbstractContextManager[Announced]:
        return serving(runtime, PROGRAMS / "ftp_server.py", self.payload.path.parent)

    def visit(self, runtime: Runtime, port: str) -> Visit:
        name = self.payload.path.name
        told = report(runtime, PROGRAMS / "ftp_fetch.py", port, name, str(self.times))
        visit = Visit(size=self.payload.size * self.times, seconds=told["seconds"])
        visit.check("ftplib's socket", told["sockets"], [runtime.socket_class])
        visit.check("the listing", told["listing"], {name: self.payload.size})
        visit.check("fetches", len(told["sha256"]), self.times)
        for sha256 in told["sha256"]:
            visit.check("sha256", sha256, self.payload.sha256)
        return visit
