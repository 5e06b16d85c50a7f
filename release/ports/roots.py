"""Debian roots for other machines and other interpreters, and the tests in them.

A root is made by debootstrap, in build/ports or in PYSOCK_PORTS, and is used again. Commands in it
have a mount namespace of their own: nothing stays mounted. A machine that the processor cannot
run is emulated by qemu; its extension is cross-compiled here, which is faster.
"""

import filecmp
import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from interpreters import INSTALL, UPDATE, from_package, from_source
from machine import ROOT, NotHere, find_program, say

FOLDER = Path(os.environ.get("PYSOCK_PORTS", ROOT / "build" / "ports"))
MIRROR = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
BOOKWORM, SID = "bookworm", "sid"
# What the tests talk to, and what the wheels of their modules are not there for.
PROGRAMS = ["ca-certificates", "curl", "git", "iproute2", "netbase", "openssl", "redis-server"]
MODULES = ["python3-cryptography", "python3-numpy"]
FROM_PYPI = ["cython>=3.1", "dnspython", "hypothesis", "pyftpdlib", "pytest", "pytest-benchmark"]
FROM_PYPI += ["pytest-xdist", "redis", "setuptools>=77", "trio", "trustme"]
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"  # pip's, as on this machine
FREE_THREADED = "--disable-gil"
QEMU = {  # the first bytes of a program, and those of them that count
    "aarch64": r"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xb7\0",
    "s390x": r"\x7fELF\x02\x02\x01\0\0\0\0\0\0\0\0\0\0\x02\0\x16",
}
QEMU_MASKS = {
    "aarch64": r"\xff\xff\xff\xff\xff\xff\xff\0\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff",
    "s390x": r"\xff\xff\xff\xff\xff\xff\xff\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff",
}
BINFMT = Path("/proc/sys/fs/binfmt_misc")
MOUNT = """
mount --make-rprivate /
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
mount --rbind /sys "$1/sys"
ip link set lo up 2>/dev/null
exec chroot "$1" bash -c "$2"
"""


@dataclass(frozen=True)
class Port:
    """A machine and an interpreter: the suite and CPython's own tests run on it."""

    name: str
    architecture: str  # Debian's name
    suite: str
    python: str
    emulated: str = ""  # the name that the kernel and the compiler have for the machine
    configure: str = ""  # Debian has no such build: made from its source, with this option


PORTS = {
    "i386": Port("i386", "i386", BOOKWORM, "python3.11"),
    "3.14": Port("3.14", "amd64", SID, "python3.14"),
    "3.14t": Port("3.14t", "amd64", SID, "python3.14", configure=FREE_THREADED),
    "3.15": Port("3.15", "amd64", SID, "python3.15"),
    "aarch64": Port("aarch64", "arm64", BOOKWORM, "python3.11", "aarch64"),
    "s390x": Port("s390x", "s390x", BOOKWORM, "python3.11", "s390x"),
}


def run(command, **options):
    """Run it; its output is seen if it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )
    if done.returncode:
        raise NotHere(f"{' '.join(map(str, command))[:200]}\n{done.stdout[-3000:]}")
    return done.stdout


def copy_if_changed(source, target):
    """The copy has a new time: what was compiled of an earlier one is older, and compiled again."""
    if not target.exists() or not filecmp.cmp(source, target, shallow=False):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


class Root:
    """The root of a port."""

    def __init__(self, port):
        self.port = port
        self.path = FOLDER / f"{port.suite}-{port.architecture}"
        self.project = f"/work/{port.name}"
        self.run_python = f"/work/venv-{port.name}/bin/python"

    def command(self, script):
        enter = ["unshare", "--mount", "--net", "bash", "-euc", MOUNT, "enter"]
        return [*enter, str(self.path), f"set -e; cd {self.project}; {script}"]

    def install(self, script):
        """Run *script* in the root, with the network and pip's settings of this machine."""
        settings = {"PIP_CERT", "PIP_INDEX_URL", "PIP_DEFAULT_TIMEOUT", "http_proxy", "https_proxy"}
        environment = {name: os.environ[name] for name in settings & os.environ.keys()}
        environment |= {"PATH": os.environ["PATH"], "DEBIAN_FRONTEND": "noninteractive"}
        environment |= {"LC_ALL": "C.UTF-8", "HOME": "/root"}
        command = [part for part in self.command(script) if part != "--net"]
        return run(command, env=environment)

    def make(self):
        """Make the root, with the interpreter and what the tests need."""
        port = self.port
        (self.path / "work" / port.name).mkdir(parents=True, exist_ok=True)
        stamp = self.path / "work" / f"{port.name}.made"
        if stamp.exists():
            return
        bare = self.path / "work" / "bare"
        if not bare.exists():
            find_program("debootstrap", "debootstrap")
            architecture = f"--arch={port.architecture}"
            run(["debootstrap", architecture, "--variant=minbase", port.suite, self.path, MIRROR])
            bare.touch()
            say(f"{port.name}: a root of Debian {port.suite} for {port.architecture}")
        shutil.copy("/etc/resolv.conf", self.path / "etc" / "resolv.conf")
        (self.path / CERTIFICATES[1:]).parent.mkdir(parents=True, exist_ok=True)
        packages = ["gcc", "libc6-dev", *PROGRAMS, *(MODULES if port.suite == BOOKWORM else [])]
        if port.configure:
            folder = f"/work/python-{port.name}"
            steps, python = from_source(
                port.python, port.configure, self.path, folder, MIRROR, port.suite
            )
        else:
            steps, python = from_package(port.python)
        self.install(f"{UPDATE}; {INSTALL} {' '.join(packages)}; {steps}")
        if os.path.exists(CERTIFICATES):
            shutil.copy(CERTIFICATES, self.path / CERTIFICATES[1:])
        modules = " ".join(f"'{name}'" for name in FROM_PYPI)
        venv = os.path.dirname(os.path.dirname(self.run_python))
        self.install(
            f"{python} -m venv --system-site-packages {venv}; "
            f"{self.run_python} -m pip install --quiet --upgrade {modules}"
        )
        stamp.touch()
        say(f"{port.name}: {python} and what the tests need")

    def copy_project(self):
        """Copy what git lists, and the generated C, which is the same for every interpreter."""
        target = self.path / self.project[1:]
        listed = subprocess.check_output(
            ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT
        )
        names = [name for name in listed.decode().split("\0") if (ROOT / name).is_file()]
        generated = [path for path in (ROOT / "build" / "cython").rglob("*") if path.is_file()]
        for name in [*names, *(path.relative_to(ROOT) for path in generated)]:
            copy_if_changed(ROOT / name, target / name)
        # The tests of the packages ask this list, as in an unpacked sdist: there is no git here.
        (target / "pysock_accel.egg-info").mkdir(exist_ok=True)
        (target / "pysock_accel.egg-info" / "SOURCES.txt").write_text("\n".join(names))

    def build(self):
        self.copy_project()
        port = self.port
        build = "setup.py --quiet build_ext --inplace"
        if not port.emulated:
            self.install(f"PYTHONPATH=. PYSOCK_REQUIRE_EXTENSIONS=1 {self.run_python} {build}")
            return
        found = f"python{sysconfig.get_python_version()}"
        if found != port.python:
            raise NotHere(f"the extension is cross-compiled by {port.python}, and this is {found}")
        triplet = f"{port.emulated}-linux-gnu"
        find_program(f"{triplet}-gcc", f"gcc-{triplet}")
        headers = self.path / "usr" / "include"
        config = self.path / "work" / "sysconfig"
        config.mkdir(exist_ok=True)
        name = f"_sysconfigdata__{triplet}"
        shutil.copy(self.path / "usr" / "lib" / port.python / f"{name}.py", config)
        environment = {
            **os.environ,
            "PYTHONPATH": f".:{config}",
            "_PYTHON_SYSCONFIGDATA_NAME": name,
            "_PYTHON_HOST_PLATFORM": f"linux-{port.emulated}",
            "CFLAGS": f"-O2 -I{headers / port.python} -idirafter {headers}",
            "PYSOCK_REQUIRE_EXTENSIONS": "1",
        }
        run([sys.executable, *build.split()], cwd=self.path / self.project[1:], env=environment)

    def try_it(self, tests, conformance):
        """Run the tests; what they say is seen as they say it. Whether all is well."""
        say(f"{self.port.name}: built; the suite, and CPython's own tests")
        environment = "export LC_ALL=C.UTF-8 HOME=/root PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=."
        if self.port.configure == FREE_THREADED:
            environment += " PYTHON_GIL=0"  # no module of the tests gives it back
        info = self.command(f"{environment}; {self.run_python} -m pysock --info")
        lines = [line.split()[:2] for line in run(info).splitlines()]
        if ["backend", "c"] not in lines:
            raise SystemExit(f"{self.port.name}: the backend is not c\n{lines}")
        # A test that hangs is seen where it does: nothing else ends it.
        suite = "-m pytest -q -rfE -p no:cacheprovider -o faulthandler_timeout=300 -n 2"
        suite += f" --dist loadfile {tests}"
        done = [
            subprocess.run(self.command(f"{environment}; {self.run_python} {what}")).returncode
            for what in (suite, f"tests/conformance/run.py {conformance}")
        ]
        say(f"{self.port.name}: suite {done[0]}, CPython's own tests {done[1]} (0: all is well)")
        return done == [0, 0]


def register_emulator(name):
    """Let the kernel run programs of the machine *name* by qemu, in a root, too (binfmt_misc)."""
    emulator = find_program(f"qemu-{name}-static", "qemu-user-static")
    if not (BINFMT / "register").exists():
        run(["mount", "-t", "binfmt_misc", "binfmt_misc", BINFMT])
    if not (BINFMT / f"qemu-{name}").exists():
        entry = f":qemu-{name}:M::{QEMU[name]}:{QEMU_MASKS[name]}:{emulator}:OCF"
        (BINFMT / "register").write_text(entry.replace(r"\0", r"\x00"))


def try_port(name, tests="", conformance=""):
    """Try the port *name*. Whether all is well; raises NotHere if it cannot be tried here."""
    if os.geteuid() != 0:
        raise NotHere("only root can make a root")
    port = PORTS[name]
    if port.emulated:
        register_emulator(port.emulated)
    root = Root(port)
    root.make()
    root.build()
    return root.try_it(tests, conformance)
