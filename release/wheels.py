"""The files of a release, in dist/: the sdist, and from it a manylinux wheel for every interpreter.

Each is installed, in an environment of its own and far from the sources, and has to work there; the
sdist with a compiler and without one. `make wheels` runs it, with the programs of the dependency
group "wheels". The interpreters: PYTHONS, or all that are found of VERSIONS.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
TOOLS = os.path.dirname(sys.executable)
PROGRAM = ROOT / "release" / "program.py"
CONSUMER = ROOT / "tests" / "packaging" / "typed" / "consumer.py"
VERSIONS = ["3.10", "3.11", "3.12", "3.13", "3.14", "3.14t", "3.15"]

REQUIRED = {"PYSOCK_REQUIRE_EXTENSIONS": "1"}

begin = time.monotonic()


def say(line):
    print(f"{time.monotonic() - begin:4.0f} s  {line}", flush=True)


def run(*command, folder, **environment):
    """Run a command in *folder*; return its output. One that fails ends it all, with its words."""
    ours = {key: value for key, value in os.environ.items() if not key.startswith("PYSOCK_")}
    ours |= {"PYTHONPATH": "", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "NO_COLOR": "1"}
    ours["PATH"] = os.pathsep.join(
        [TOOLS, os.environ["PATH"]]
    )  # auditwheel looks there for patchelf
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env={**ours, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"{done.stdout}\nfailed: {' '.join(map(str, command))}")
    return done.stdout.strip()


# Interpreters


def find_python(version):
    """The path of that interpreter, pyenv's or the one of PATH, or None."""
    candidates = [shutil.which(f"python{version}")]
    if shutil.which("pyenv"):
        command = f'pyenv prefix "$(pyenv latest {version})"'
        found = subprocess.run(command, shell=True, capture_output=True, text=True)
        candidates.insert(0, f"{found.stdout.strip()}/bin/python")
    for path in filter(None, candidates):
        try:
            if version_of(path) == version:
                return path
        except (OSError, subprocess.CalledProcessError):
            pass  # a shim of pyenv's, with nothing behind it
    return None


def version_of(python):
    """Tell it as its wheels and its name have it: a free-threaded one's ends in t."""
    program = "import sysconfig; print(sysconfig.get_config_var('LDVERSION'))"
    command = [python, "-c", program]
    return subprocess.check_output(command, stderr=subprocess.DEVNULL, text=True).strip()


def interpreters():
    if chosen := os.environ.get("PYTHONS", "").split():
        return {version_of(path): path for path in chosen}
    found = {version: find_python(version) for version in VERSIONS}
    for version in [version for version, path in found.items() if path is None]:
        say(f"Python {version} is not here: no wheel for it")
        del found[version]
    return found


# The steps


def make_source_distribution():
    """Make it of the files that git knows: setuptools would ship what builds have left behind."""
    listed = subprocess.check_output(["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for path in map(os.fsdecode, filter(None, listed.split(b"\0"))):
            if (ROOT / path).exists():
                (copy / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / path, copy / path)
        command = [sys.executable, "-m", "build", "--sdist", "--outdir", DIST]
        run(*command, folder=copy, PYSOCK_NO_EXTENSIONS="1")
    (path,) = DIST.glob("*.tar.gz")
    say(path.name)
    return path


def unpack(sdist, folder):
    """Unpack it and generate the C once: it is the same for every interpreter."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (source,) = folder.iterdir()
    run(sys.executable, "setup.py", "--quiet", "egg_info", folder=source, **REQUIRED)
    say("C generated")
    return source


def release_flags(python):
    """The interpreter's own, which CFLAGS would replace, but no debug information, which takes a
    quarter of the time and most of the room, and no path to the interpreter's libraries."""
    program = "import sysconfig; print(sysconfig.get_config_var('CFLAGS'))"
    flags = subprocess.check_output([python, "-c", program], text=True).strip()
    return {"CFLAGS": f"{flags} -g0", "LDSHARED": f"{os.environ.get('CC', 'cc')} -shared"}


def make_wheel(version, python, source, folder):
    """Build, repair, install and try the wheel for one interpreter."""
    copy = shutil.copytree(source, folder / "source")
    install = environment(python, folder)
    build = [*install[:-1], "wheel", "--no-deps", "--wheel-dir", folder, copy]
    run(*build, folder=folder, **release_flags(python), **REQUIRED)
    (built,) = folder.glob("*.whl")
    repair = [sys.executable, "-m", "auditwheel", "repair", "--wheel-dir", folder / "repaired"]
    run(*repair, built, folder=folder)
    (wheel,) = (folder / "repaired").glob("*-manylinux_*.whl")
    inspect(wheel, [folder, Path.home()])
    run(*install, "--no-index", wheel, folder=folder)
    shutil.copy2(wheel, DIST)
    say(f"{wheel.name}: backend {backend(install[0], folder, 'c')}")
    return install[0]


def inspect(wheel, places):
    """Is it optimised, hardened, stripped, and without a word of where it was built?"""
    with zipfile.ZipFile(wheel) as archive:
        binary = b"".join(archive.read(name) for name in archive.namelist() if ".so" in name)
    assert b"__stack_chk_fail" in binary and b"__memcpy_chk" in binary
    assert b".debug_info" not in binary
    assert not [place for place in places if os.fsencode(place) in binary]


def try_source_distribution(sdist, python, folder):
    """Install it as a user does, with a compiler or without; it is thrown away: not optimised."""
    install = environment(python, folder)
    how, wanted = (REQUIRED, "c") if folder.name == "with-compiler" else ({"CC": "false"}, "stdlib")
    run(*install, sdist, folder=folder, CFLAGS="-O0", **how)
    say(f"{sdist.name} {folder.name}: backend {backend(install[0], folder, wanted)}")


def environment(python, folder):
    """Make a fresh one; return the command that installs into it."""
    run(python, "-m", "venv", folder / "venv", folder=folder)
    return [folder / "venv" / "bin" / "python", "-m", "pip", "install"]


def backend(python, folder, wanted):
    """Run the program, and ask the command line: both must say the backend *wanted*."""
    run(python, "-W", "error", PROGRAM, wanted, folder=folder)
    lines = run(python, "-m", "pysock", "--info", folder=folder).splitlines()
    assert ["backend", wanted] in [line.split()[:2] for line in lines], lines
    return wanted


def main():
    pythons = interpreters()
    if not pythons:
        raise SystemExit("no Python from 3.10 up was found")
    shutil.rmtree(DIST, ignore_errors=True)
    sdist = make_source_distribution()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        folder = Path(folder)
        for name in ["unpacked", "with-compiler", "without-compiler", *pythons]:
            (folder / name).mkdir()
        *_, newest = pythons.values()
        jobs = [
            pool.submit(try_source_distribution, sdist, newest, folder / name)
            for name in ("with-compiler", "without-compiler")
        ]
        source = unpack(sdist, folder / "unpacked")
        wheels = [
            pool.submit(make_wheel, version, path, source, folder / version)
            for version, path in pythons.items()
        ]
        installed = [job.result() for job in wheels]
        for job in jobs:
            job.result()
        run(sys.executable, "-m", "twine", "check", "--strict", *DIST.iterdir(), folder=ROOT)
        say("twine has nothing to say")
        check = [sys.executable, "-m", "mypy", "--strict", "--python-executable", installed[-1]]
        run(*check, CONSUMER, folder=folder)
        say("mypy --strict has nothing to say of a program that uses the installed stub")


if __name__ == "__main__":
    main()
