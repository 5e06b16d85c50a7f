"""install() and uninstall(), in whatever order the rest of a program is imported."""

import contextlib
import copy
import importlib.util
import os
import pickle
import selectors
import socket
import socketserver
import subprocess
import sys
import threading
import types
import warnings
from unittest import mock

import pytest
import trustme
from support.paths import ROOT

STANDARD = socket.socket


@pytest.fixture(autouse=True)
def socket_module_is_left_as_it_was():
    before = vars(socket).copy()
    yield
    after = vars(socket).copy()
    vars(socket).update(before)
    assert after == before


def install(pysock):
    """Install in this process, where pytest has imported ssl and asyncio long before."""
    with pytest.warns(RuntimeWarning, match="came after"):
        pysock.install()


@pytest.fixture
def installed(pysock):
    install(pysock)
    yield pysock
    pysock.uninstall()


# Which names, and for how long


def test_names_are_pysocks_while_installed_and_the_standard_librarys_after(pysock):
    before = vars(socket).copy()
    install(pysock)
    during = vars(socket).copy()
    pysock.uninstall()
    assert vars(socket) == before
    changed = {name: during[name] for name in during if during[name] is not before.get(name)}
    assert changed == {name: getattr(pysock, name) for name in changed}
    assert changed.keys() == {"socket", *pysock._backend.FASTER}
    assert bool(pysock._backend.FASTER) == (pysock.BACKEND == "c")


def test_every_way_to_make_a_socket_makes_a_pysock_socket(installed):
    with contextlib.ExitStack() as made:
        listener = made.enter_context(socket.create_server(("127.0.0.1", 0)))
        client = made.enter_context(socket.create_connection(listener.getsockname()))
        server = made.enter_context(listener.accept()[0])
        others = [
            *socket.socketpair(),
            client.dup(),
            socket.fromfd(client.fileno(), client.family, client.type),
            socket.socket(),
        ]
        for sock in [listener, client, server, *map(made.enter_context, others)]:
            assert type(sock) is installed.socket and isinstance(sock, STANDARD)
        client.sendall(b"thanks")
        assert server.recv(6) == b"thanks"


def test_installing_twice_is_installing_once(installed, recwarn):
    installed.install()
    with installed.installed():
        pass
    assert socket.socket is installed.socket
    installed.uninstall()
    assert socket.socket is STANDARD
    assert not recwarn.list


def test_blocks(pysock):
    with pytest.raises(ZeroDivisionError), pysock.installed():
        with pysock.installed():
            assert socket.socket is pysock.socket
        assert socket.socket is pysock.socket
        raise ZeroDivisionError
    assert socket.socket is STANDARD


def test_uninstalling_what_is_not_installed_does_nothing(pysock):
    with pysock.installed():
        pysock.uninstall()
        assert socket.socket is STANDARD
    assert socket.socket is STANDARD


def test_what_somebody_else_has_put_there_is_left_alone(pysock):
    before = vars(socket).copy()
    install(pysock)
    socket.socket = theirs = type("theirs", (STANDARD,), {})
    pysock.uninstall()
    assert vars(socket) == {**before, "socket": theirs}
    socket.socket = STANDARD


def test_what_somebody_else_had_put_there_comes_back(pysock):
    with mock.patch("socket.socket") as theirs:
        with pysock.installed():
            assert socket.socket is pysock.socket
        assert socket.socket is theirs


def test_sockets_that_wait_in_their_own_way_stay(pysock, monkeypatch):
    """gevent's are no subclass, and it takes names away: none of ours may come, whole or half."""
    theirs = type("socket", (), {"__module__": "theirs"})
    monkeypatch.setattr(socket, "socket", theirs)
    monkeypatch.delattr(selectors, "EpollSelector")
    before = vars(socket).copy(), vars(selectors).copy()
    with pytest.warns(RuntimeWarning) as said:
        pysock.install()
    (warning,) = said
    assert warning.filename == __file__
    assert str(warning.message).startswith(
        f"{pysock.__name__}.install() did nothing: theirs.socket "
    )
    with pysock.installed():
        assert (vars(socket), vars(selectors)) == before
    pysock.uninstall()
    assert (vars(socket), vars(selectors)) == before


def test_a_default_selector_that_is_not_epolls_stays(pysock, monkeypatch):
    monkeypatch.delattr(selectors, "EpollSelector")
    monkeypatch.setattr(selectors, "DefaultSelector", selectors.PollSelector)
    before = vars(selectors).copy()
    with pysock.installed():
        assert socket.socket is pysock.socket and vars(selectors) == before
    assert socket.socket is STANDARD and vars(selectors) == before


class EchoLine(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(self.rfile.readline())


def test_servers_wait_in_c(pysock):
    before = vars(socketserver).copy()
    with pysock.installed():
        chosen = socketserver._ServerSelector
        assert issubclass(chosen, pysock.EpollSelector) == (pysock.BACKEND == "c")
        with socketserver.TCPServer(("127.0.0.1", 0), EchoLine) as server:
            serving = threading.Thread(target=server.serve_forever, args=(0.01,))
            serving.start()
            for number in range(3):
                with socket.create_connection(server.server_address) as client:
                    client.sendall(b"%d\n" % number)
                    assert client.recv(10) == b"%d\n" % number
            server.shutdown()
            serving.join()
    assert vars(socketserver) == before


@pytest.mark.parametrize("no_extensions", ["", "1"])
def test_imported_when_a_selector_is_gone(no_extensions):
    """As gevent leaves it: no reason to warn, or for another backend."""
    program = """
import selectors, sys, warnings
warnings.simplefilter("error")
original = selectors.EpollSelector
selectors.DefaultSelector = selectors.PollSelector
del selectors.EpollSelector
import pysock
assert issubclass(pysock.EpollSelector, original)
pysock.install()
assert selectors.DefaultSelector is selectors.PollSelector
with pysock.EpollSelector() as selector:
    one, two = pysock.socketpair()
    with one, two:
        selector.register(one, selectors.EVENT_READ)
        two.send(b"x")
        assert selector.select(5)[0][0].fileobj is one
print(pysock.BACKEND)
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYSOCK_NO_EXTENSIONS": no_extensions}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stderr, done.stdout) == ("", "stdlib\n" if no_extensions else "c\n")


GUARDED = """
import socket
real, asked = socket.getaddrinfo, []

def guard(host, *args, **kwargs):
    asked.append(host)
    return real("127.0.0.1" if host == "192.0.2.1" else host, *args, **kwargs)

{0}
import pysock
{1}
assert pysock.getaddrinfo("127.0.0.1", 1, 0, socket.SOCK_STREAM)
pysock.install()
for _ in range(3):
    assert socket.getaddrinfo("192.0.2.1", 80, 0, socket.SOCK_STREAM)[0][4] == ("127.0.0.1", 80)
assert socket.getaddrinfo is guard and asked.count("192.0.2.1") == 3
assert socket.socket is pysock.socket
pysock.uninstall()
assert socket.getaddrinfo is guard
"""


@pytest.mark.parametrize("when", ["before the import", "after it"])
def test_a_guard_on_getaddrinfo_stays(pysock, when):
    """Somebody else's function may redirect, pin or refuse what it is asked: each time."""
    put = "socket.getaddrinfo = guard"
    program = GUARDED.format(*((put, "") if when == "before the import" else ("", put)))
    no_extensions = "1" if pysock.BACKEND == "stdlib" else ""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYSOCK_NO_EXTENSIONS": no_extensions}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)


# The warning


def test_warning_names_what_came_too_early(pysock, monkeypatch):
    early = types.ModuleType("early")
    early.module, early.function, early.endpoint = socket, socket.create_connection, STANDARD
    early.Endpoint = type("Endpoint", (STANDARD,), {"__module__": "early"})
    early.Imported = type("Imported", (STANDARD,), {"__module__": "elsewhere"})
    monkeypatch.setitem(sys.modules, "early", early)
    monkeypatch.setitem(sys.modules, "not_even_a_module", 42)
    with pytest.warns(RuntimeWarning) as said:
        pysock.install()
    pysock.uninstall()
    (warning,) = said
    assert warning.filename == __file__
    message, _, names = str(warning.message).partition(": ")
    assert message.startswith(f"{pysock.__name__}.install() came after these took")
    names = names.split(", ")
    assert [name for name in names if name.startswith("early.")] == [
        "early.endpoint",
        "early.Endpoint (a subclass)",
    ]
    assert {"ssl.socket", "ssl.SSLSocket (a subclass)", f"{__name__}.STANDARD"} <= set(names)
    assert not [name for name in names if name.startswith(("socket.", "pysock"))]


# What patches and pickles sockets


def test_looking_for_them_runs_nothing_of_theirs(pysock, monkeypatch, tmp_path):
    """Neither a proxy's `__class__`, as Django's settings have it, nor a module loaded late."""

    class Proxy:
        @property
        def __class__(self):
            raise RuntimeError("not configured")

    lazy = tmp_path / "loaded_late.py"
    lazy.write_text("raise RuntimeError('loaded')")
    spec = importlib.util.spec_from_file_location("loaded_late", lazy)
    spec.loader = importlib.util.LazyLoader(spec.loader)
    late = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(late)
    settings = types.ModuleType("settings")
    settings.endpoint, settings.proxy = STANDARD, Proxy()
    monkeypatch.setitem(sys.modules, "loaded_late", late)
    monkeypatch.setitem(sys.modules, "settings", settings)
    monkeypatch.setitem(sys.modules, "nothing", None)
    monkeypatch.setitem(sys.modules, "no_module", object())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pysock.install()
    pysock.uninstall()
    assert ["settings.endpoint" in str(warning.message) for warning in caught] == [True]


def test_a_patched_class_reaches_the_standard_librarys_functions(installed):
    with mock.patch("socket.socket") as patched:
        sock = socket.create_connection(("127.0.0.1", 1))
    assert sock is patched.return_value
    sock.connect.assert_called_once_with(("127.0.0.1", 1))


@pytest.mark.parametrize("patched", ["the standard library", "pysock"])
def test_a_patched_getaddrinfo_is_followed(installed, patched):
    module = socket if patched == "the standard library" else installed
    with module.create_server(("127.0.0.1", 0)) as listener:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", listener.getsockname())]
        with mock.patch.object(module, "getaddrinfo", return_value=found) as getaddrinfo:
            with module.create_connection(("shop.invalid", 80)) as sock:
                assert sock.getpeername() == listener.getsockname()
    getaddrinfo.assert_called_once_with("shop.invalid", 80, 0, socket.SOCK_STREAM)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_pickle_refuses_sockets(pysock, protocol):
    with STANDARD() as standard, pysock.socket() as sock:
        with pytest.raises(TypeError) as expected:
            pickle.dumps(standard, protocol)
        with pytest.raises(TypeError) as refused:
            pickle.dumps(sock, protocol)
        assert str(refused.value) == str(expected.value)
        with pytest.raises(TypeError):
            copy.copy(sock)


# Programs whose first line imports what may come before install(), or after it

PROGRAMS = {
    "tls": """
import ssl
context = ssl.create_default_context(cafile="authority.pem")
server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
server_context.load_cert_chain("server.pem")
def serve():
    sock, _ = listener.accept()
    assert type(sock) is pysock.socket
    with server_context.wrap_socket(sock, server_side=True) as tls:
        tls.sendall(tls.recv(100).upper())
with socket.create_server(("127.0.0.1", 0)) as listener:
    thread = threading.Thread(target=serve)
    thread.start()
    plain = socket.create_connection(listener.getsockname(), timeout=20)
    with context.wrap_socket(plain, server_hostname="127.0.0.1") as tls:
        tls.sendall(b"thank you")
        print(tls.recv(100).decode())
    thread.join()
""",
    "asyncio": """
import asyncio
async def echo(reader, writer):
    writer.write((await reader.readline()).upper())
    await writer.drain()
    writer.close()
    await writer.wait_closed()
async def main():
    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        sock = socket.create_connection(server.sockets[0].getsockname())
        assert type(sock) is pysock.socket
        reader, writer = await asyncio.open_connection(sock=sock)
        writer.write(b"thank you\\n")
        print((await reader.read()).decode().strip())
        writer.close()
        await writer.wait_closed()
asyncio.run(main())
""",
    "http": """
import http.client, http.server
class Thanks(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        assert type(self.connection) is pysock.socket
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.headers["Say"].upper().encode())
    def log_message(self, *args):
        pass
with http.server.HTTPServer(("127.0.0.1", 0), Thanks) as server:
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    connection = http.client.HTTPConnection(*server.server_address, timeout=20)
    connection.request("GET", "/", headers={"Say": "thank you"})
    print(connection.getresponse().read().decode())
    connection.close()
    thread.join()
""",
    "selectors": """
import selectors
a, b = socket.socketpair()
with selectors.DefaultSelector() as selector, a, b:
    assert type(a) is pysock.socket
    selector.register(b, selectors.EVENT_READ, "THANK")
    assert selector.select(0) == []
    a.send(b"YOU")
    ((key, events),) = selector.select(20)
    print(key.data, key.fileobj.recv(3).decode())
""",
    "multiprocessing": """
import multiprocessing, multiprocessing.resource_sharer
def child(pipe):
    sock = pipe.recv()
    assert type(sock) is pysock.socket and sock.type is socket.SOCK_STREAM
    with sock:
        sock.sendall(sock.recv(100).upper())
def main(method):
    context = multiprocessing.get_context(method)
    ours, theirs = context.Pipe()
    process = context.Process(target=child, args=(theirs,))
    process.start()  # before the socket is there: it is sent, not inherited
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname(), timeout=20)
        server, _ = listener.accept()
    with client, server:
        ours.send(server)
        client.sendall(b"thank you")
        print(client.recv(100).decode())
    process.join()
    multiprocessing.resource_sharer.stop()
if __name__ == "__main__":
    main("METHOD")
""",
}
multiprocessed = PROGRAMS.pop("multiprocessing")
for method in ("fork", "spawn", "forkserver"):
    PROGRAMS[method] = multiprocessed.replace("METHOD", method)


@pytest.mark.parametrize("install_first", [True, False], ids=["install-first", "install-last"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_program(pysock, tmp_path, name, install_first):
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    first, rest = PROGRAMS[name].lstrip().split("\n", 1)
    install = "import pysock, socket, threading; pysock.install()"
    lines = [install, first, rest] if install_first else [first, install, rest]
    (tmp_path / "program.py").write_text("\n".join(lines))
    fallback = "1" if pysock.BACKEND == "stdlib" else ""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYSOCK_NO_EXTENSIONS": fallback}
    # What came before install() is warned of; what comes after it must not be.
    warn = "-Werror" if install_first else "-Wignore:pysock.install:RuntimeWarning"
    done = subprocess.run(
        [sys.executable, "-X", "dev", warn, "program.py"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "THANK YOU\n", "")
