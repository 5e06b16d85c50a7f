"""`python -m pysock --profile program`: what is counted, and that the program notices nothing."""

import json
import os
import signal
import sys

import pytest


def site(facts, text, program):
    """The site of the one line of *program* that has this *text*."""
    (line,) = (number for number, line in enumerate(program.splitlines(), 1) if line.endswith(text))
    (found,) = (each for each in facts["sites"] if each["line"] == line)
    assert os.path.basename(found["file"]) == "program.py"
    return found


# What is counted

COUNTED = """\
import socket
a, b = socket.socketpair()
for _ in range(70):
    a.send(b"x" * 10)
    b.recv(4)  # a part
    b.recv(100)  # the rest
a.settimeout(5), b.settimeout(5)
for _ in range(30):
    a.sendall(memoryview(b"y" * 1000))
    b.recv_into(bytearray(1000))
a.sendmsg([b"12", b"345"])
b.recvmsg(10)
b.setblocking(False)
for _ in range(5):
    try:
        b.recv(1)  # in vain
    except BlockingIOError:
        pass
a.close()
b.close()
"""


def test_calls_bytes_and_places(profile, pysock):
    facts = profile(COUNTED)
    calls = facts["calls"]
    numbers = {
        name: (calls[name]["calls"], calls[name]["bytes"], calls[name]["would_blocks"])
        for name in calls
    }
    assert numbers == {
        "socketpair": (1, 0, 0),
        "send": (70, 700, 0),
        "recv": (145, 700, 5),
        "sendall": (30, 30_000, 0),
        "recv_into": (30, 30_000, 0),
        "sendmsg": (1, 5, 0),
        "recvmsg": (1, 5, 0),
        "close": (2, 0, 0),
    }
    part, rest = site(facts, "# a part", COUNTED), site(facts, "# the rest", COUNTED)
    assert (part["calls"], part["bytes"], part["small"], part["filled"]) == (70, 280, 70, 70)
    assert (rest["calls"], rest["bytes"], rest["asked"], rest["filled"]) == (70, 420, 7000, 0)
    vain = site(facts, "# in vain", COUNTED)
    assert (vain["calls"], vain["would_blocks"], vain["in_row"]) == (5, 5, 4)
    assert not any(each["waits"] or each["errors"] or each["timeouts"] for each in calls.values())
    # The standard library calls poll() before each of them.
    avoided = 30 if pysock.BACKEND == "c" else 0
    assert calls["recv_into"]["polls_avoided"] == calls["sendall"]["polls_avoided"] == avoided
    assert calls["send"]["polls_avoided"] == calls["recv"]["polls_avoided"] == 0
    assert all(each["cpu_ns"] > 0 for each in calls.values())


WAITS = """\
import socket, threading, time
a, b = socket.socketpair()

def later():
    time.sleep(0.1)
    a.send(b"late")

for timeout in (None, 30):
    thread = threading.Thread(target=later)
    thread.start()
    b.settimeout(timeout)
    b.recv(10)  # waits
    thread.join()
b.settimeout(0.05)
try:
    b.recv(10)  # times out
except TimeoutError:
    pass
"""


def test_waits(profile):
    facts = profile(WAITS)
    waits, over = site(facts, "# waits", WAITS), site(facts, "# times out", WAITS)
    assert (waits["calls"], waits["waits"], waits["bytes"]) == (2, 2, 8)
    assert 150e6 < waits["waited_ns"] < 10e9
    assert (over["calls"], over["waits"], over["timeouts"], over["bytes"]) == (1, 1, 1, 0)
    assert 45e6 < over["waited_ns"] < 10e9
    assert waits["polls_avoided"] == over["polls_avoided"] == 0


CONNECTIONS = """\
import selectors, socket
with socket.create_server(("127.0.0.1", 0)) as listener:
    for _ in range(3):
        client = socket.create_connection(listener.getsockname())  # made
        server, address = listener.accept()  # accepted
        with client, server, server.makefile("rb") as file, selectors.DefaultSelector() as selector:
            client.sendall(b"a line\\n")
            selector.register(server, selectors.EVENT_READ)
            selector.select()
            file.readline()  # read
with socket.socket() as closed:
    closed.bind(("127.0.0.1", 0))
    with socket.socket() as refused:
        assert refused.connect_ex(closed.getsockname())
        try:
            refused.connect(closed.getsockname())
        except ConnectionRefusedError:
            pass
"""


def test_connections(profile):
    facts = profile(CONNECTIONS)
    assert facts["accepted"] == 3
    calls = facts["calls"]
    assert (calls["connect"]["calls"], calls["connect"]["errors"]) == (4, 1)
    assert calls["accept"]["calls"] == calls["select"]["calls"] == 3
    assert calls["socket"]["calls"] == 6  # one of them by create_server
    # The place is the program's, not the standard library's.
    lines = CONNECTIONS.splitlines()
    assert {
        lines[each["line"] - 1].strip() for each in facts["sites"] if each["call"] == "connect"
    } == {
        "client = socket.create_connection(listener.getsockname())  # made",
        "refused.connect(closed.getsockname())",
    }
    assert site(facts, "# read", CONNECTIONS)["bytes"] == 21
    assert facts["connected"] == 3


THREADS = """\
import socket, threading

def talk():
    a, b = socket.socketpair()
    with a, b:
        for _ in range(500):
            a.send(b"four")  # sent
            b.recv(4)

threads = [threading.Thread(target=talk) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_threads(profile):
    facts = profile(THREADS)
    sent = site(facts, "# sent", THREADS)
    assert (sent["calls"], sent["bytes"], sent["small"]) == (4000, 16_000, 4000)
    assert facts["calls"]["recv"]["bytes"] == 16_000
    assert facts["calls"]["close"]["calls"] == 16


def test_more_places_than_there_is_room_for(profile):
    facts = profile("""\
import socket
a, b = socket.socketpair()
for number in range(5000):
    exec(compile("a.send(b'x')", f"made {number}", "exec"))
    b.recv(1)
""")
    assert facts["calls"]["send"]["calls"] == facts["calls"]["recv"]["bytes"] == 5000


# The program is as it is without a profile

ENDINGS = {
    "end": "print('done')",
    "status": "import sys; sys.exit(3)",
    "message": "import sys; sys.exit('no such greeting')",
    "interrupt": "import os, signal; os.kill(os.getpid(), signal.SIGINT); input()",
    "exception": """\
import socket
def ask():
    a, b = socket.socketpair()
    a.setblocking(False)
    a.recv(1)
ask()
""",
    "of_accept": "import socket; socket.socket().accept()",
    "of_connect": "import socket; socket.socket().connect(('127.0.0.1', 'no port'))",
    "in_a_thread": """\
import socket, threading
thread = threading.Thread(target=socket.socket().accept)
thread.start(), thread.join()
""",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_program_ends_as_without_a_profile(python, pysock, ending):
    program = ENDINGS[ending]
    plain = python("-m", "pysock", "program.py", program=program)
    ours = python("-m", "pysock", "--profile", "program.py", program=program)
    assert (ours.returncode, ours.stdout) == (plain.returncode, plain.stdout)
    if ending == "interrupt":
        assert ours.returncode == -signal.SIGINT
    traceback, report = ours.stderr.split("pysock profile: ")
    for line in plain.stderr.splitlines():  # but for the lines of the launcher, all the same
        assert line in traceback
    more = traceback.count("\n") - plain.stderr.count("\n")
    # In Python 3.10 a function cannot take its own frame out of a traceback.
    is_old = pysock.BACKEND == "stdlib" and sys.version_info < (3, 11)
    assert more in ([0, 2] if is_old else [0])
    assert "connections: 0 made, 0 accepted\n" in report


@pytest.mark.parametrize(
    "how", [["program.py"], ["-m", "program"], ["-c", "import sys; print(sys.argv)"]], ids=str
)
def test_arguments(python, how):
    program = "import sys; print(sys.argv, __name__, [*globals()], sys.path)"
    plain = python("-m", "pysock", *how, "--json", "x", program=program)
    ours = python("-m", "pysock", "--profile", *how, "--json", "x", program=program)
    assert (ours.returncode, ours.stdout) == (plain.returncode, plain.stdout) and ours.stdout


NO_REPORT = {
    "killed": "import os, signal; os.kill(os.getpid(), signal.SIGTERM); input()",
    "left": "import os; os._exit(4)",
}


@pytest.mark.parametrize("ending", NO_REPORT)
def test_no_report_after_an_end_without_an_exit(python, ending):
    done = python("-m", "pysock", "--profile", "program.py", program=NO_REPORT[ending])
    assert done.stderr == "" and done.returncode == {"killed": -signal.SIGTERM, "left": 4}[ending]


def test_one_report_for_a_program_that_forks(python):
    done = python(
        "-m",
        "pysock",
        "--profile",
        "program.py",
        program="""\
import os, socket, sys
a, b = socket.socketpair()
if not os.fork():
    a.send(b"hello")
    sys.exit()
os.wait()
b.recv(5)
""",
    )
    assert done.stderr.count("pysock profile") == 1
    assert "recv " in done.stderr and "send " not in done.stderr


def test_program_with_a_socket_class_of_its_own(profile):
    facts = profile("""\
import socket
class Own(socket.socket):
    def recv(self, *arguments):
        return super().recv(*arguments)
plain, socket.socket = socket.socket, Own
a, b = socket.socketpair(socket.AF_INET6 if False else socket.AF_UNIX)
with a, b:
    b.send(b"hello")
    assert type(a) is Own and a.recv(5) == b"hello"
with socket.create_server(("127.0.0.1", 0)) as listener, plain() as client:
    client.connect(listener.getsockname())
    server, _ = listener.accept()
    assert type(server) is Own
    server.close()
""")
    assert facts["calls"]["recv"]["calls"] == facts["calls"]["accept"]["calls"] == 1


def test_signal_handler_that_sends(profile):
    facts = profile("""\
import signal, socket
a, b = socket.socketpair()
signal.signal(signal.SIGALRM, lambda *_: a.send(b"woken"))
signal.setitimer(signal.ITIMER_REAL, 0.05)
assert b.recv(5) == b"woken"
""")
    assert facts["calls"]["send"]["bytes"] == facts["calls"]["recv"]["bytes"] == 5
    assert facts["calls"]["recv"]["waits"] == 1


def test_methods_are_of_the_kind_that_they_are(python, pysock):
    program = "import socket; print([type(m).__name__ for m in vars(socket.socket).values()])"
    plain = python("-m", "pysock", "program.py", program=program)
    ours = python("-m", "pysock", "--profile", "program.py", program=program)
    if pysock.BACKEND == "c":
        assert ours.stdout == plain.stdout


@pytest.mark.parametrize("closed", ["sys.stderr.close()", "sys.stderr = None", "os.close(2)"])
def test_nobody_to_tell(python, closed):
    done = python("-m", "pysock", "--profile", "program.py", program=f"import os, sys; {closed}")
    assert done.returncode in (0, 120)  # 120: the interpreter itself cannot flush it


def test_program_with_a_json_of_its_own(profile, tmp_path):
    (tmp_path / "json.py").write_text("mine = True")
    assert profile("import json; assert json.mine")["calls"] == {}


# The report


def test_report_fits_a_screen(python):
    done = python("-m", "pysock", "--profile", "program.py", program=COUNTED + CONNECTIONS)
    lines = done.stderr.splitlines()
    assert max(map(len, lines)) <= 80 and len(lines) <= 40
    assert lines[0].startswith("pysock profile: ")
    assert lines[1] == "connections: 3 made, 3 accepted"
    assert any(line.split()[:3] == ["recv", "145", "700"] for line in lines)
    assert any(line.split()[:3] == ["program.py:5", "recv", "70"] for line in lines)
    assert "hints" not in lines


def test_json_to_stderr(python):
    done = python("-m", "pysock", "--profile", "--json", "program.py", program=COUNTED)
    facts = json.loads(done.stderr)
    assert done.stdout == "" and facts["program"] == ["program.py"]


def test_file_is_that_of_the_start(python, tmp_path):
    """A program may go to another folder."""
    program = "import os; os.chdir('/')"
    done = python("-m", "pysock", "--profile", "--json=said", "program.py", program=program)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((tmp_path / "said").read_text())["calls"] == {}


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        ([], "nothing to run"),
        (["--json"], "nothing to run"),
        (["--json=", "program.py"], "--json= needs the name of a file"),
        (["--info"], "--profile does not take '--info'"),
        (["--json=missing/file", "program.py"], "can't open file 'missing/file'"),
    ],
)
def test_wrong_arguments(python, arguments, complaint):
    done = python("-m", "pysock", "--profile", *arguments, program="print('runs')")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"-m pysock: {complaint}" in done.stderr and "Traceback" not in done.stderr
