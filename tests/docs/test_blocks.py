"""What the pages for users show is run: every fenced block, as a program, on both backends."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from blocks import BLOCKS, FENCED, PAGES, ROOT, of
from stages import STAGES, stages_of

HERE = Path(__file__).parent
# Commands that are not run here, and why.
ELSEWHERE = {
    "pip install .": "tests/packaging/test_packaging.py installs",
    "python -m pysock --bench": "tests/cli/test_bench.py runs it; it takes a while",
    "python -m pysock --bench --svg picture.svg": "so is this",
    "uvicorn asgi_app:app --loop pysock:new_event_loop": "test_recipes.py runs it",
    "gunicorn asgi_app:app --worker-class gunicorn_worker.PysockWorker --workers 2": "this, too",
}
# These are interrupted once they have answered.
SERVERS = ("python -m pysock -m http.server 8080",)
# Built by Sphinx, which knows whether they are right: `make docs`.
MARKUP = {
    "{toctree}",
    "{eval-rst}",
    "{grid} 1 1 3 3",
    "{include} ../CHANGELOG.md",
    "{include} ../SECURITY.md",
    "{include} ../CONTRIBUTING.md",
    "{figure} architecture.svg",
    "{image} ../benchmarks/picture.svg",
    "{image} ../../benchmarks/scaling.svg",
}
# test_recipes.py says which files these are, and that each is run.
EXAMPLE = "{literalinclude} "
PORTS = ("6379", "8080", "8125")  # somebody's own, perhaps


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def folder():
    """An empty one, with a path short enough for the address of a socket."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture
def environment(pysock):
    chosen = {key: value for key, value in os.environ.items() if key != "PYSOCK_NO_EXTENSIONS"}
    chosen["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(HERE)])
    if pysock.BACKEND == "stdlib":
        chosen["PYSOCK_NO_EXTENSIONS"] = "1"
    return chosen


@pytest.fixture
def elsewhere(port, folder):
    """The text of a block with its fixed places, ports and paths, replaced by free ones."""

    def replaced(text):
        for fixed in PORTS:
            text = re.sub(rf"\b{fixed}\b", str(port), text)
        return text.replace("/tmp/", f"{folder}/")

    return replaced


def run(command, environment, folder):
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("block", of("python"), ids=str)
def test_program(block, environment, elsewhere, folder, port):
    # Where it stands in the page it stands in the file: a traceback names its line.
    before = "\n" * (block.line - 1)
    if stages := stages_of(block):
        (stage,) = stages
        before = f"import stages; globals().update(stages.{stage.__name__}({port})){before}"
    program = folder / "program.py"
    program.write_text(before + elsewhere(block.text))
    done = run([sys.executable, "-W", "error", program], environment, folder)
    assert done.returncode == 0, done.stderr
    if not stages and block.page.startswith("docs/"):
        assert done.stderr == ""  # nothing left open
    if block.output is not None:
        assert done.stdout == block.output


def commands():
    for block in of("console"):
        for line in block.text.splitlines():
            if line.startswith("$ "):
                command = line[2:].partition("  #")[0].strip()
                yield pytest.param(command, id=f"{block}: {command}")


def make_targets():
    return re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("command", list(commands()))
def test_command(command, pysock, environment, elsewhere, folder, port):
    if command in ELSEWHERE:
        return
    assignments, words = [], shlex.split(elsewhere(command))
    while "=" in words[0]:
        assignments.append(words.pop(0).split("=", 1))
    environment.update(assignments)
    if words[0] == "make":
        assert set(words[1:]) <= set(make_targets())
        return
    assert words[0] == "python", "say how to run it, or in ELSEWHERE why not"
    words[0] = sys.executable
    (folder / "your_program.py").write_text("import socket\nsocket.socket().close()\n")
    where = folder
    if words[1:3] == ["-m", "pytest"]:
        environment.pop("PYTEST_XDIST_WORKER", None)  # this one is none
        if pysock.BACKEND == "stdlib":
            return  # the same tests are found on both
        words += ["--collect-only", "-q"]  # whether there is something to run is what is asked
        where = ROOT
    if command in SERVERS:
        serves_until_interrupted(words, environment, where, port)
        return
    done = run(words, environment, where)
    assert done.returncode == 0, done.stdout + done.stderr


def serves_until_interrupted(words, environment, folder, port):
    with subprocess.Popen(words, env=environment, cwd=folder, stderr=subprocess.PIPE) as server:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and server.poll() is None:
            try:
                # An answer, not a connection alone: between the two an interrupt is nobody's yet.
                with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
                    client.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    assert client.recv(5, socket.MSG_WAITALL) == b"HTTP/"
                    break
            except ConnectionRefusedError:
                time.sleep(0.02)
        server.send_signal(signal.SIGINT)
        _, said = server.communicate(timeout=30)
    assert server.returncode == 0, said.decode()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_make_target_that_is_named_exists(page):
    # In code, and in the lists of commands, where two blanks end a column.
    named = re.findall(r"(?:`|^    )(?:\w+=\S+ )?make ((?:[a-z-]+ ?)+)", page.read_text(), re.M)
    assert set(" ".join(named).split()) <= set(make_targets())


def slugs_of(page):
    """The anchors of a page's headings, as GitHub and MyST make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_link_between_pages_leads_somewhere(page):
    text = FENCED.sub("", page.read_text())
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)", text):
        if "://" not in target:
            path = page.parent / target if target else page
            assert path.exists(), target
            assert not anchor or anchor in slugs_of(path), f"{target}#{anchor}"


def test_every_figure_that_is_cited_is_a_row():
    table = (ROOT / "docs" / "rows.md").read_text()
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| [^|]* \|$", table, re.M)
    cited = re.findall(r"\{ratio\}`([^`]+)`", "".join(page.read_text() for page in PAGES))
    assert cited and set(cited) - {"row"} <= set(rows)


def test_no_block_is_passed_over():
    for block in BLOCKS:
        known = block.info in ("python", "console") or block.info in MARKUP
        known = known or block.info.startswith(EXAMPLE)
        assert known, f"{block}: how is a block of {block.info!r} run?"
        if block.info == "console":
            assert all(line.startswith("$ ") for line in block.text.splitlines()), str(block)
    for path in (ROOT / "docs").rglob("*.md"):
        rest = FENCED.sub("", path.read_text())
        assert not re.search(r"^    \S", rest, re.M), f"{path.name}: code without a fence"


def test_every_exception_is_of_use():
    """What is listed above and in STAGES is there for a block that still exists."""
    for _, text, stage in STAGES:
        assert any(stage in stages_of(block) for block in of("python")), text
    shown = {param.values[0] for param in commands()}
    assert {*ELSEWHERE, *SERVERS} <= shown


def test_every_public_name_is_in_the_reference(pysock):
    pages = "".join(path.read_text() for path in (ROOT / "docs" / "reference").glob("*.md"))
    for name in pysock.EXTENDED:
        if not name.isupper() and not name.startswith("PF_"):
            assert re.search(rf":: pysock\.{name}\b", pages), name
    base = pysock.socket.__mro__[1]
    for name, value in vars(pysock.socket).items():
        if not name.startswith("_") and name != "makefile" and value is not getattr(base, name, 0):
            assert re.search(rf":: pysock\.socket\.{name}\b", pages), name
