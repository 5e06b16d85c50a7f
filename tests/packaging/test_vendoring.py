"""pysock copied into another package, built there, beside an ordinary pysock."""

import io
import os
import shutil
import subprocess
import sys
import token
import tokenize

import pytest
from support.paths import ROOT

NAME = "theirservice._vendor.pysock"
GENERATED = shutil.ignore_patterns("*.so", "*.c", "__pycache__")

EXAMPLE = ROOT / "examples" / "vendored_service"
SETUP = (EXAMPLE / "setup.py").read_text()


def python(*command, folder, ordinary=False):
    """Run Python with *folder* to import from, and, where *ordinary*, with the ordinary pysock."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYSOCK_")}
    environment["PYTHONPATH"] = os.pathsep.join(map(str, [folder, ROOT] if ordinary else [folder]))
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", *command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def vendor(folder, ignore=GENERATED):
    """Copy pysock into a package in *folder*: its sources, or all but what *ignore* says."""
    vendored = folder / "theirservice" / "_vendor"
    vendored.mkdir(parents=True)
    (vendored / "__init__.py").touch()
    (folder / "theirservice" / "__init__.py").touch()
    shutil.copytree(ROOT / "pysock", vendored / "pysock", ignore=ignore)
    return vendored


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """The example, from a tree where pysock was built: what was made there is copied, too."""
    folder = tmp_path_factory.mktemp("service") / "service"
    shutil.copytree(
        EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", "_vendor", "build")
    )
    assert list((ROOT / "pysock" / "_compiled").glob("native*.so"))
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYSOCK_")}
    environment |= {"PYTHON": sys.executable, "PYTHONPATH": "", "CFLAGS": "-O0"}
    done = subprocess.run(
        ["sh", "build.sh", ROOT],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-2:] == ["hello, world", f"<class '{NAME}.EventLoop'> c"]
    return folder


def test_the_example_calls_the_build_as_its_documentation_has_it():
    (line,) = [line for line in SETUP.splitlines() if line.startswith("extensions = ")]
    assert line in (ROOT / "csrc" / "extensions.py").read_text()


@pytest.mark.parametrize("folder", ["theirservice", "theirservice/_vendor"])
def test_vendored_into_a_folder_that_is_no_package(tmp_path, folder):
    """Cython would say that it does not find a .pxd, which is there."""
    shutil.copytree(ROOT / "csrc", vendor(tmp_path) / "csrc")
    missing = f"{folder}/__init__.py"
    (tmp_path / missing).unlink()
    (tmp_path / "setup.py").write_text(SETUP)
    done = subprocess.run(
        [sys.executable, "setup.py", "--version"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f"FileNotFoundError: {missing}: without it Cython takes this folder for no package"
    )


@pytest.fixture
def run(service, tmp_path):
    """Run a program that has both the vendored pysock, as `theirs`, and the ordinary one."""

    def run(program):
        path = tmp_path / "program.py"
        path.write_text(f"import pysock, socket\nimport {NAME} as theirs\n{program}")
        return python(path, folder=service, ordinary=True)

    return run


EXCHANGE = """
def exchange(one, other):
    with one.create_server(("127.0.0.1", 0)) as listener:
        with other.create_connection(("localhost", str(listener.getsockname()[1]))) as client:
            server, address = listener.accept()
            with server:
                client.sendall(b"thanks")
                assert server.recv(6) == b"thanks"
                assert type(server) is one.socket and type(client) is other.socket
    a, b = one.socketpair()
    with a, b, a.dup() as c:
        assert type(a) is type(b) is type(c) is one.socket
"""


def test_vendored_alone(service):
    """Accelerated, and in no need of an ordinary pysock."""
    program = f"import sys, {NAME} as theirs\n{EXCHANGE}\nexchange(theirs, theirs)\n"
    program += "print(theirs.BACKEND, theirs.__name__, 'pysock' in sys.modules)"
    assert python("-c", program, folder=service) == [f"c {NAME} False"]


def test_both_shared_objects_are_built_in_their_places(service):
    package = service / "theirservice" / "_vendor" / "pysock"
    built = {
        path.relative_to(package).as_posix().partition(".")[0] for path in package.rglob("*.so")
    }
    assert built == {"_compiled/native", "capi"}


def test_both_beside_each_other(run):
    program = f"""{EXCHANGE}
import sys
for one in (pysock, theirs):
    for other in (pysock, theirs):
        exchange(one, other)
assert pysock.BACKEND == theirs.BACKEND == "c"
assert not issubclass(pysock.socket, theirs.socket) and not issubclass(theirs.socket, pysock.socket)
assert issubclass(pysock.socket, socket.socket) and issubclass(theirs.socket, socket.socket)
for name in theirs._compiled.native.MODULES:
    ours = sys.modules["pysock._compiled." + name]
    assert ours.__file__ != sys.modules[theirs.__name__ + "._compiled." + name].__file__
theirs.set_gil_hold(4096)
assert pysock.get_gil_hold() != 4096 == theirs.get_gil_hold()
"""
    assert run(program) == []


def test_everything_says_the_name_that_it_is_imported_by(run):
    program = """
for module in (pysock, theirs):
    for name in ("socket", "create_connection", "create_server", "fromfd", "socketpair", "Stream",
                 "DatagramBatch", "install", "uninstall", "set_gil_hold", "getaddrinfo"):
        assert getattr(module, name).__module__ == module.__name__, name
    with module.socket() as sock:
        print(type(sock).__module__, repr(sock).partition(" ")[0])
        try:
            sock.connect(("127.0.0.1", "no-such-service"))
        except OSError as error:
            print(type(error).__name__, error)
"""
    error = "OSError unknown service 'no-such-service' for protocol tcp"
    assert run(program) == [
        "pysock <socket.socket",
        error,
        f"{NAME} <socket.socket",
        error,
    ]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(run, method):
    program = f"""
import multiprocessing
def child(ours, sock):
    for each in (ours, sock):
        with each:
            each.sendall(str(type(each)).encode() + b"\\n")
if __name__ == "__main__":
    context = multiprocessing.get_context("{method}")
    (a, b), (c, d) = pysock.socketpair(), theirs.socketpair()
    process = context.Process(target=child, args=(b, d))
    process.start()
    for kept, sent in ((a, b), (c, d)):
        sent.close()
        with kept, kept.makefile() as said:
            print(said.read(), end="")
    process.join()
"""
    assert run(program) == ["<class 'pysock.socket'>", f"<class '{NAME}.socket'>"]


def test_command_line(service):
    program = "import socket; print(socket.socket)"
    assert python("-m", NAME, "-c", program, folder=service) == [f"<class '{NAME}.socket'>"]
    assert python("-m", NAME, "--info", folder=service)[0].startswith(f"{NAME} ")
    usage = python("-m", NAME, "--help", folder=service)
    assert f"python -m {NAME} script.py" in "\n".join(usage)


def test_one_is_installed_over_the_other(run):
    """Without a warning: that a pysock keeps the standard library's class is no mishap."""
    program = f"""{EXCHANGE}
theirs.install()
assert socket.socket is theirs.socket
with pysock.installed():
    assert socket.socket is pysock.socket
    exchange(theirs, socket)
    exchange(pysock, theirs)
assert socket.socket is theirs.socket
exchange(socket, pysock)
theirs.uninstall()
assert socket.socket is pysock._shared.original.socket
with theirs.installed():
    exchange(pysock, socket)
"""
    assert run(program) == []


def test_warning_names_the_service_that_it_is_vendored_into(run, service):
    (service / "theirservice" / "listener.py").write_text("from socket import socket\n")
    program = """
import theirservice.listener, warnings
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    theirs.install()
print(*[each.message for each in said])
"""
    assert run(program) == [
        f"{NAME}.install() came after these took the standard library's socket, and they keep it: "
        "theirservice.listener.socket"
    ]


def test_vendored_without_extensions(tmp_path):
    vendor(tmp_path)
    program = f"import pysock, {NAME} as theirs\n{EXCHANGE}\nexchange(theirs, pysock)\n"
    program += "exchange(pysock, theirs)\nprint(theirs.BACKEND, pysock.BACKEND, theirs.socket)"
    expected = [f"stdlib c <class '{NAME}.socket'>"]
    assert python("-c", program, folder=tmp_path, ordinary=True) == expected


# The tokens that a docstring follows.
STATEMENT = {token.ENCODING, token.NEWLINE, token.INDENT, token.DEDENT}
SOURCES = sorted(path for kind in ("py", "pyx", "pxd") for path in ROOT.glob(f"pysock/**/*.{kind}"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_source_knows_the_name_of_its_package(path):
    before = token.ENCODING
    for each in tokenize.tokenize(io.BytesIO(path.read_bytes()).readline):
        if each.type in (token.NL, token.COMMENT):
            continue
        if each.type != token.STRING or before not in STATEMENT:
            # The C names of the headers that know Python begin with it.
            assert "pysock" not in each.string.replace("pysock_", ""), each.line
        before = each.type
