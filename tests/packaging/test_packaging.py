"""What is shipped, and what is installed: with a compiler, without one, and when it goes wrong."""

import os
import runpy
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile

import pytest
from support.paths import ROOT

SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
SHARED_OBJECTS = ["_compiled/native", "capi"]
NO_COMPILER = {"CC": "false", "PYSOCK_REQUIRE_EXTENSIONS": ""}
FALLBACK = "you get the fallback"

# A program for an installed pysock: tries it, and says which backend it has.
PROGRAM = ROOT / "release" / "program.py"
CIMPORT = ROOT / "tests" / "packaging" / "cimport"
CIMPORTING_SETUP = """\
from Cython.Build import cythonize
from setuptools import Extension, setup
import pysock
consumer = Extension("consumer", ["consumer.pyx"], include_dirs=pysock.__path__)
setup(name="consumer", ext_modules=cythonize([consumer]))
"""


def python(*command, folder, **environment):
    """Run Python in *folder*, in a session of its own: nothing is said on this one's terminal."""
    chosen = {key: value for key, value in os.environ.items() if not key.startswith("PYSOCK_")}
    chosen |= {"PYTHONPATH": "", "CFLAGS": "-O0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**chosen, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        start_new_session=True,
    )


def pip(command, *arguments, **options):
    return python("-m", "pip", command, "--no-build-isolation", "--no-deps", *arguments, **options)


def program_says(folder, *flags):
    """Run PROGRAM with the pysock that is installed in *folder*; return its output."""
    done = python(*flags, PROGRAM, folder=folder.parent, PYTHONPATH=str(folder))
    assert done.returncode == 0, done.stdout
    return done.stdout


def shared_objects(folder):
    package = folder / "pysock"
    paths = [path.relative_to(package).as_posix() for path in package.rglob("*.so")]
    return sorted(path.partition(".")[0] for path in paths)


def project_files():
    """Return the names of the files as git lists them, or, in an unpacked sdist, as that does."""
    if not (ROOT / ".git").exists():
        return (ROOT / "pysock_accel.egg-info" / "SOURCES.txt").read_text().splitlines()
    listed = subprocess.check_output(["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT)
    return list(filter(None, listed.decode().split("\0")))


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of the files that belong to the project."""
    folder = tmp_path_factory.mktemp("source")
    for name in project_files():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def built(source, tmp_path_factory):
    """The project after a wheel was built in it: with generated C, build/ and dist/."""
    folder = tmp_path_factory.mktemp("built") / "project"
    shutil.copytree(source, folder)
    options = {"folder": folder, "PYSOCK_REQUIRE_EXTENSIONS": "1"}
    done = pip("wheel", "--wheel-dir", "dist", ".", **options)
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """A folder with the wheel installed in it."""
    folder = tmp_path_factory.mktemp("installed") / "site"
    (wheel,) = (built / "dist").glob("*.whl")
    done = pip("install", "--target", str(folder), str(wheel), folder=built)
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture
def project(built, tmp_path):
    """A copy of the project after a build, for a test to spoil."""
    return shutil.copytree(built, tmp_path / "project")


@pytest.fixture
def site(installed, tmp_path):
    """A copy of the installation, for a test to spoil."""
    return shutil.copytree(installed, tmp_path / "site")


def only_wheel(folder):
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        return path.name, wheel.namelist()


# What is shipped


def test_source_distribution(project):
    """Made where there has been a build, and generated C lies about."""
    assert list(project.glob("build/cython/pysock/_compiled/*/*.c"))
    done = python("setup.py", "-q", "sdist", folder=project)
    assert done.returncode == 0, done.stdout
    (archive,) = project.glob("dist/*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    wanted = {".clang-format", "LICENSE", "MANIFEST.in", "README.md", "pyproject.toml", "setup.py"}
    for pattern in (
        "release/*.py",
        "pysock/**/*.py*",
        "pysock/**/*.typed",
        "pysock/**/*.pxd",
        "pysock/**/*.h",
        "csrc/*",
        "tests/**/*.py",
    ):
        wanted |= {str(path.relative_to(ROOT)) for path in ROOT.glob(pattern) if path.is_file()}
    wanted = {name for name in wanted if not name.endswith(".pyc")}
    some = {"pysock/py.typed", "pysock/_compiled/core/retry.pyx", "pysock/_compiled/sys/ps_io.pxd"}
    assert some | {"csrc/extensions.py", "csrc/ps_io.c"} <= wanted
    assert wanted <= names
    assert not [name for name in names if name.startswith("pysock/") and name.endswith(".c")]
    assert not [name for name in names if name.endswith((".so", ".pyc", ".o"))]


def test_wheel(built):
    name, files = only_wheel(built / "dist")
    version = f"cp{sys.version_info.major}{sys.version_info.minor}"
    abi = f"{version}t" if sysconfig.get_config_var("Py_GIL_DISABLED") else version
    assert name.split("-")[2:4] == [version, abi] and not name.endswith("-any.whl")
    assert {f"pysock/{name}{SUFFIX}" for name in SHARED_OBJECTS} <= set(files)
    assert {"pysock/__init__.py", "pysock/__init__.pyi", "pysock/py.typed"} <= set(files)
    # What an installation is compiled against, complete: no other .pxd could be.
    public = {
        "pysock/capi.pxd",
        "pysock/_compiled/core/socket_object.pxd",
        "pysock/_compiled/core/socket_object.h",
        "pysock/_compiled/core/threads.h",
    }
    assert {file for file in files if file.endswith((".pxd", ".pyx", ".h"))} == public
    assert {file.partition("/")[0].partition("-")[0] for file in files} == {
        "pysock",
        "pysock_accel",
    }
    assert not [file for file in files if file.endswith((".c", ".o", ".pyc"))]


def test_installation(installed):
    assert shared_objects(installed) == SHARED_OBJECTS
    assert program_says(installed, "-W", "error") == "c\n"


def test_cimport(installed, tmp_path):
    """A module of somebody else's, compiled with what is installed, and nothing of the sources."""
    for path in CIMPORT.iterdir():
        shutil.copy2(path, tmp_path)
    (tmp_path / "setup.py").write_text(CIMPORTING_SETUP)
    found = {"folder": tmp_path, "PYTHONPATH": str(installed)}
    done = python("setup.py", "-q", "build_ext", "--inplace", **found)
    assert done.returncode == 0, done.stdout
    for no_extensions in ("", "1"):  # the modules are there, whichever backend is chosen
        chosen = {**found, "PYSOCK_NO_EXTENSIONS": no_extensions}
        done = python("-X", "dev", "-W", "error", "use_consumer.py", **chosen)
        assert (done.returncode, done.stdout) == (0, "as capi.pxd says\n")


# Without a compiler


def test_installation_without_a_compiler(source, tmp_path):
    site = tmp_path / "site"
    shutil.copytree(source, tmp_path / "project")
    done = pip(
        "install", "-v", "--target", str(site), ".", folder=tmp_path / "project", **NO_COMPILER
    )
    assert done.returncode == 0, done.stdout
    (line,) = [line for line in done.stdout.splitlines() if FALLBACK in line]
    assert "no extension was built" in line and "'false'" in line
    assert shared_objects(site) == []
    (wheel,) = site.glob("*.dist-info/WHEEL")
    assert "\nTag: py3-none-any\n" in wheel.read_text()
    # No extension is no defect: nothing is warned of.
    assert program_says(site, "-W", "error") == "stdlib\n"


def test_no_compiler_is_an_error_when_extensions_are_required(source, tmp_path):
    shutil.copytree(source, tmp_path / "project")
    environment = {**NO_COMPILER, "PYSOCK_REQUIRE_EXTENSIONS": "1"}
    done = pip("wheel", "--wheel-dir", "dist", ".", folder=tmp_path / "project", **environment)
    assert done.returncode != 0
    assert "'false'" in done.stdout and FALLBACK not in done.stdout
    assert not list(tmp_path.glob("project/dist/*.whl"))


def test_failed_build_takes_back_what_an_earlier_one_made(project):
    shutil.rmtree(project / "dist")
    (project / "csrc" / "ps_cmsg.c").touch()  # one module is out of date, the others are not
    done = pip("wheel", "--wheel-dir", "dist", ".", folder=project, **NO_COMPILER)
    assert done.returncode == 0, done.stdout
    name, files = only_wheel(project / "dist")
    assert name.endswith("-py3-none-any.whl")
    assert "pysock/_fallback/socket.py" in files
    assert not [file for file in files if file.endswith(".so")]


def test_failed_build_in_place_takes_back_what_an_earlier_one_made(project):
    build = ["setup.py", "build_ext", "--inplace"]
    done = python(*build, folder=project)
    assert done.returncode == 0, done.stdout
    assert shared_objects(project) == SHARED_OBJECTS
    (project / "csrc" / "ps_cmsg.c").touch()
    done = python(*build, folder=project, **NO_COMPILER)
    assert done.returncode == 0 and FALLBACK in done.stdout, done.stdout
    assert shared_objects(project) == []


def test_fallback_is_announced_on_the_terminal(source, tmp_path):
    """pip keeps the output of a build to itself; the line is seen all the same."""
    shutil.copytree(source, tmp_path / "project")
    spawn = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]))"
    install = ["-m", "pip", "install", "--no-build-isolation", "--no-deps", "--target", "site", "."]
    done = python(
        "-c",
        spawn,
        sys.executable,
        *install,
        folder=tmp_path / "project",
        PYSOCK_NO_EXTENSIONS="1",
    )
    assert done.returncode == 0, done.stdout
    assert f"pysock: built without extensions, as asked: {FALLBACK}" in done.stdout
    assert shared_objects(tmp_path / "project" / "site") == []


# With extension modules that do not load


def broken_says(site):
    """Run PROGRAM on an installation that is broken: it must work, and say why it is slow."""
    warning, *_, backend = program_says(site).splitlines()
    assert backend == "stdlib"
    assert "RuntimeWarning: pysock: its extension modules are present but do not load" in warning
    assert f"on Python {sys.version.split()[0]} (" in warning
    assert program_says(site).count("Warning") == 1
    return warning


@pytest.mark.parametrize("damage", ["text", "empty", "truncated"])
def test_broken_extension(site, damage):
    path = site / "pysock" / f"_compiled/native{SUFFIX}"
    whole = path.read_bytes()
    path.write_bytes({"text": b"not a module\n", "empty": b"", "truncated": whole[:40]}[damage])
    assert f"(ImportError: {path}: " in broken_says(site)


def test_missing_part_of_the_backend(site):
    (site / "pysock" / "_compiled" / "socket.py").unlink()
    assert "(ImportError: cannot import name 'socket' from 'pysock._compiled'" in broken_says(site)


WRONG_LAYOUTS = {
    1: "(ValueError: _socket.socket size changed",
    2: "(ImportError: the fields of _socket.socket are not where this build expects them)",
}


@pytest.mark.parametrize("layout", WRONG_LAYOUTS)
def test_extension_for_another_interpreter(project, layout):
    """The interpreter's socket is of another size, or of the same size and has other fields."""
    shutil.rmtree(project / "build")
    flags = f"-O0 -DPYSOCK_WRONG_LAYOUT={layout}"
    done = python("setup.py", "build_ext", "--inplace", "-j2", folder=project, CFLAGS=flags)
    assert done.returncode == 0, done.stdout
    assert shared_objects(project) == SHARED_OBJECTS
    assert WRONG_LAYOUTS[layout] in broken_says(project)


# What the compiler is told


def test_hardening_is_what_the_compiler_takes(monkeypatch, tmp_path):
    """An old compiler that does not know a flag, or none at all, does not break the build."""
    extensions = runpy.run_path(str(ROOT / "csrc" / "extensions.py"))
    every = sum(extensions["HARDENING"], [])
    monkeypatch.setenv("CFLAGS", "-O2")
    assert extensions["hardening"]() == every
    old = tmp_path / "old-cc"
    old.write_text('#!/bin/sh\ncase "$*" in *FORTIFY_SOURCE=3*) exit 1;; esac\nexec cc "$@"\n')
    old.chmod(0o755)
    monkeypatch.setenv("CC", str(old))
    assert extensions["hardening"]() == [flag for flag in every if "FORTIFY" not in flag]
    monkeypatch.setenv("CC", "false")
    assert extensions["hardening"]() == []


def test_what_is_installed_is_hardened(installed):
    assert b"__stack_chk_fail" in (installed / "pysock" / f"_compiled/native{SUFFIX}").read_bytes()
