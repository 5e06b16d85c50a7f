"""`python -m pysock program` is `python program`, but for the socket."""

import json
import marshal
import os
import pty
import py_compile
import re
import signal
import subprocess
import sys
import sysconfig
import zipfile

import pytest
from support.paths import ROOT

REPORT = '''\
"""What a program sees of itself."""
import json, sys
names = {
    name: getattr(value, "name", None) or str(value)
    for name, value in globals().items()
    if name not in ("__builtins__", "__loader__", "json", "sys")
}
print(json.dumps({
    "names": names,
    "loader": getattr(__loader__, "__name__", type(__loader__).__name__),
    "argv": sys.argv,
    "path": sys.path,
    "main": vars(sys.modules["__main__"]) is globals(),
}))
'''


@pytest.fixture
def environment(pysock):
    chosen = {**os.environ, "PYTHONPATH": str(ROOT), "PYSOCK_NO_EXTENSIONS": ""}
    if pysock.BACKEND == "stdlib":
        chosen["PYSOCK_NO_EXTENSIONS"] = "1"
    return chosen


@pytest.fixture
def python(environment, tmp_path):
    """Run Python in a folder with a few programs."""
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "script.py").write_text(REPORT)
    (tmp_path / "here" / "link.py").symlink_to("../elsewhere/script.py")
    for folder in (tmp_path / "elsewhere", tmp_path / "here" / "folder"):
        folder.mkdir()
        (folder / "script.py").write_text(REPORT)
        (folder / "__init__.py").touch()
        (folder / "__main__.py").write_text(REPORT)
    (tmp_path / "here" / "__main__.py").write_text(REPORT)
    with zipfile.ZipFile(tmp_path / "here" / "archive", "w") as archive:
        archive.writestr("__main__.py", REPORT)

    compiled = tmp_path / "here" / "compiled.pyc"
    py_compile.compile(str(tmp_path / "here" / "script.py"), str(compiled), doraise=True)
    (tmp_path / "here" / "compiled").write_bytes(compiled.read_bytes())
    (tmp_path / "here" / "damaged.pyc").write_bytes(b"1234" + compiled.read_bytes()[4:])
    (tmp_path / "here" / "no_code.pyc").write_bytes(compiled.read_bytes()[:16] + marshal.dumps(1))

    def python(*command, stdin=None):
        return subprocess.run(
            [sys.executable, "-W", "error", *command],
            env=environment,
            cwd=tmp_path / "here",
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=60,
        )

    return python


def answer(done):
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


# As the interpreter itself would run it


@pytest.mark.parametrize("safe_path", ["", "1"], ids=["", "safe-path"])
@pytest.mark.parametrize(
    "program",
    [
        ["script.py"],
        ["compiled.pyc"],
        ["compiled"],
        ["-"],
        ["./folder/../script.py"],
        ["../elsewhere/script.py"],
        ["link.py"],
        ["folder"],
        ["archive"],
        ["."],
        [""],
        ["-m", "script"],
        ["-m", "folder"],
        ["-m", "folder.script"],
        ["-c", REPORT],
        ["-mfolder"],
        ["-c" + REPORT],
    ],
    ids=lambda program: program[-1].partition("\n")[0] or "no-name",
)
def test_program_sees_itself_as_under_plain_python(python, environment, program, safe_path):
    environment["PYTHONSAFEPATH"] = safe_path  # from Python 3.11 on
    if safe_path and program[0].startswith("-m"):
        environment["PYTHONPATH"] += os.pathsep + "."
    arguments = ["-m", "argument", "--info", "-c", ""]
    plain = json.loads(answer(python(*program, *arguments, stdin=REPORT)))
    assert plain["argv"][1:] == arguments
    ours = python("-m", "pysock", *program, *arguments, stdin=REPORT)
    assert json.loads(answer(ours)) == plain


def test_program_named_by_an_absolute_path(python, tmp_path):
    script = str(tmp_path / "here" / "script.py")
    plain = json.loads(answer(python(script)))
    assert json.loads(answer(python("-m", "pysock", script))) == plain


FAILURES = {
    "status": "import sys; sys.exit(3)",
    "message": "import sys; sys.exit('no such greeting')",
    "nothing": "raise SystemExit",
    "interrupt": "import os, signal; os.kill(os.getpid(), signal.SIGINT); input()",
    "killed": "import os, signal; os.kill(os.getpid(), signal.SIGTERM); input()",
    "exception": "def greet():\n    raise LookupError('nobody')\n\ngreet()\n",
    "syntax": "def greet(:\n",
}


@pytest.mark.parametrize("failure", FAILURES)
def test_program_ends_as_under_plain_python(python, tmp_path, failure):
    (tmp_path / "here" / "fails.py").write_text(FAILURES[failure])
    plain, ours = python("fails.py"), python("-m", "pysock", "fails.py")
    assert ours.returncode == plain.returncode
    assert ours.stdout == plain.stdout
    # Frames of the launcher stand before the program's own; from there on it is the same text.
    own = plain.stderr.removeprefix("Traceback (most recent call last):\n")
    assert ours.stderr.endswith(own)
    assert bool(ours.stderr) == bool(plain.stderr)
    if failure == "interrupt":
        assert ours.returncode == -signal.SIGINT
    if failure == "exception":
        assert 'fails.py", line 2, in greet\n' in own and own.endswith("LookupError: nobody\n")


# With pysock in it


PROGRAM = """\
import socket, sys
with socket.create_server(("127.0.0.1", 0)) as listener:
    with socket.create_connection(listener.getsockname()) as client:
        server, address = listener.accept()
        with server:
            client.sendall(b"thanks")
            assert server.recv(6) == b"thanks" and address == client.getsockname()
print(socket.socket, type(server), sys.modules["pysock"].BACKEND)
"""


@pytest.mark.parametrize("how", [["program.py"], ["-m", "program"], ["-c", PROGRAM]], ids=str)
def test_unchanged_program_has_pysocks_sockets(python, pysock, tmp_path, how):
    (tmp_path / "here" / "program.py").write_text(PROGRAM)
    expected = f"<class 'pysock.socket'> <class 'pysock.socket'> {pysock.BACKEND}\n"
    assert answer(python("-m", "pysock", *how)) == expected


@pytest.mark.parametrize("program", ["folder", "archive"])
def test_unchanged_application_has_pysocks_sockets(python, tmp_path, program):
    application = tmp_path / "here" / program
    if application.is_dir():
        (application / "__main__.py").write_text(PROGRAM)
    else:
        with zipfile.ZipFile(application, "w") as archive:
            archive.writestr("__main__.py", PROGRAM)
    assert answer(python("-m", "pysock", program)).startswith("<class 'pysock.socket'>")


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_program_with_child_processes(python, tmp_path, method):
    (tmp_path / "here" / "parent.py").write_text(f"""\
import multiprocessing, socket, sys
class Greeting(str):
    "Found again in the child by the name of the program's module."
def child(sock, greeting):
    assert type(greeting) is Greeting
    with sock:
        sock.sendall(f"{{greeting}} {{type(sock)}}".encode())
if __name__ == "__main__":
    a, b = socket.socketpair()
    context = multiprocessing.get_context("{method}")
    process = context.Process(target=child, args=(b, Greeting("hello")))
    process.start()
    b.close()
    with a, a.makefile() as said:
        print(said.read())
    process.join()
    sys.exit(process.exitcode)
""")
    # A child that is not forked has not run install(): its `socket.socket` is the standard one.
    kind = "pysock.socket" if method == "fork" else "socket.socket"
    assert answer(python("-m", "pysock", "parent.py")) == f"hello <class {kind!r}>\n"


def test_module_of_the_standard_library(python):
    done = python("-m", "pysock", "-m", "json.tool", "--no-such-option")
    assert done.returncode == 2
    assert "unrecognized arguments: --no-such-option" in done.stderr


# The launcher's own words


def test_info(python, pysock):
    said = answer(python("-m", "pysock", "--info"))
    assert "\x1b" not in said and max(map(len, said.splitlines())) <= 80
    words = said.split()
    assert words[:4] == ["pysock", pysock.__version__, "backend", pysock.BACKEND]
    reason = "the compiled extensions" if pysock.BACKEND == "c" else "PYSOCK_NO_EXTENSIONS is set"
    assert f"{reason}\n" in said
    assert sys.version.split()[0] in words
    for name, number in pysock.capabilities().items():
        assert words[words.index(name) + 1] == str(number)


@pytest.mark.parametrize("term, no_color", [("xterm", ""), ("xterm", "1"), ("dumb", "")])
def test_info_on_a_terminal(environment, pysock, term, no_color):
    """In colours there, unless they are not wanted; the text is the same."""
    environment.update(TERM=term, NO_COLOR=no_color)
    command = [sys.executable, "-W", "error", "-m", "pysock", "--info"]
    plain = subprocess.check_output(command, env=environment, text=True)
    ours, theirs = pty.openpty()
    with open(ours, "rb", buffering=0) as ours, open(theirs, "wb", buffering=0) as theirs:
        subprocess.run(command, env=environment, stdout=theirs, check=True)
        said = ours.read(4096).decode().replace("\r\n", "\n")
    green, yellow = "\x1b[32m", "\x1b[33m"
    if term == "dumb" or no_color:
        assert said == plain
    else:
        style = green if pysock.BACKEND == "c" else yellow
        assert f"backend       {style}{pysock.BACKEND}\x1b[0m" in said
        assert re.sub(r"\x1b\[\d+m", "", said) == plain


def test_info_for_programs(python, pysock):
    said = json.loads(answer(python("-m", "pysock", "--info", "--json")))
    facts = ["package", "version", "backend", "python", "system", "capabilities", "event_loop"]
    assert list(said) == facts
    assert said["capabilities"] == pysock.capabilities()
    built_without_gil = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    assert (" free-threaded, its GIL o" in said["python"]) == built_without_gil
    assert said["version"] == pysock.__version__ and said["backend"] == pysock.BACKEND


@pytest.mark.parametrize("flags", [[], ["-OO"]], ids=["", "without-docstrings"])
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help(python, option, flags):
    said = answer(python(*flags, "-m", "pysock", option))
    for form in (
        "script.py args...",
        "-m module args...",
        "-c code args...",
        "- args...",
        "--info [--json]",
        "--bench [--quick] [--json]",
        "--bench --svg FILE ...",
        "--help",
    ):
        assert f"python -m pysock {form}" in said
    assert max(map(len, said.splitlines())) <= 100


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["", "unbuffered"])
@pytest.mark.parametrize("option", ["--info", "--help", "--bench --quick"])
def test_nobody_reads_on(environment, option, unbuffered):
    """As where `| head -1` has had its line: the end is that of a program that SIGPIPE ended."""
    environment["PYTHONUNBUFFERED"] = unbuffered
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as writer:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "pysock", *option.split()],
            env=environment,
            stdout=writer,
            stderr=subprocess.PIPE,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        ([], "nothing to run"),
        (["-m"], "argument expected for the -m option"),
        (["-c"], "argument expected for the -c option"),
        (["-x", "script.py"], "unknown option: -x"),
        (["--information"], "unknown option: --information"),
        (["--info=x"], "unknown option: --info=x"),
        (["--json"], "--json goes with --info or --bench"),
        (["--quick", "--bench"], "--quick goes with --bench"),
        (["--info", "script.py"], "--info does not take 'script.py'"),
        (["--info", "--quick"], "--info does not take '--quick'"),
        (["--bench", "--quick", "-x", "--fast"], "--bench does not take '-x'"),
        (["--svg", "picture.svg"], "--svg goes with --bench"),
        (["--info", "--svg", "picture.svg"], "--info does not take '--svg'"),
        (["--bench", "--svg"], "--svg needs the name of a file"),
        (["--bench", "--svg", "--json"], "--svg needs the name of a file"),
        (["--bench", "--svg="], "--svg needs the name of a file"),
        (["--bench", "--svg", "a", "b"], "--bench does not take 'b'"),
        (["--help", "--bench"], "--help does not take '--bench'"),
    ],
)
def test_wrong_arguments(python, arguments, complaint):
    done = python("-m", "pysock", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"-m pysock: {complaint}\nusage:\n" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("program", ["damaged.pyc", "no_code.pyc"])
def test_compiled_file_that_is_none(python, program):
    plain, ours = python(program), python("-m", "pysock", program)
    assert plain.returncode == 1 and "RuntimeError: Bad " in plain.stderr
    assert (ours.returncode, ours.stdout, ours.stderr) == (1, "", plain.stderr)


def test_program_on_standard_input(python, pysock):
    program = "import socket; print(socket.socket.__module__)"
    assert answer(python("-m", "pysock", "-", stdin=program)) == "pysock\n"
    assert answer(python("-m", "pysock", "-")) == ""
    plain, ours = python("-", stdin="1/0"), python("-m", "pysock", "-", stdin="1/0")
    assert (ours.returncode, ours.stdout) == (plain.returncode, "")
    assert ours.stderr.splitlines()[-1] == plain.stderr.splitlines()[-1]


@pytest.mark.parametrize("program", [["missing.py"], ["-m", "missing"], ["empty"], ["loop.py"]])
def test_program_that_cannot_be_run(python, tmp_path, program):
    (tmp_path / "here" / "empty").mkdir()
    (tmp_path / "here" / "loop.py").symlink_to("loop.py")
    plain, ours = python(*program), python("-m", "pysock", *program)
    assert (ours.returncode, ours.stdout) == (plain.returncode, "")
    assert ours.stderr.partition(": ")[2] == plain.stderr.partition(": ")[2]
    assert program[-1] in ours.stderr
