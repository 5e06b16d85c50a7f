"""`--info` says which parts of a new event loop are in C, and why the others are not."""

import asyncio
import json
import os
import subprocess
import sys

import pytest
from support.paths import ROOT

PARTS = [
    "callbacks",
    "connections",
    "transports",
    "datagrams",
    "streams",
    "sock_* methods",
    "TLS",
]
# What this interpreter has of asyncio's own, whatever is done.
LACKING = {
    **({} if sys.version_info >= (3, 11) else {"TLS": "in C from Python 3.11 on"}),
    **(
        {}
        if getattr(sys, "_is_gil_enabled", lambda: True)()
        else {"streams": "an interpreter without a GIL may not replace asyncio's"}
    ),
}
PATCHED = "a method or class of asyncio's is patched"
# What a program may patch, and the part that is asyncio's own then.
PATCHES = {
    "asyncio.sslproto.SSLProtocol._do_read": "TLS",
    "asyncio.sslproto._SSLProtocolTransport": "TLS",
    "asyncio.StreamReader.readline": "streams",
    "asyncio.StreamWriter.drain": "streams",
    "asyncio.streams.StreamWriter": "streams",
    "asyncio.selector_events._SelectorDatagramTransport.sendto": "datagrams",
    "asyncio.selector_events._SelectorDatagramTransport": "datagrams",
    "asyncio.selector_events._SelectorSocketTransport.write": "transports",
    "asyncio.selector_events._SelectorSocketTransport": "transports",
    "asyncio.selector_events._SelectorSocketTransport.set_protocol": "connections",
    "asyncio.trsock.TransportSocket": "connections",
    "asyncio.SelectorEventLoop.sock_recv": "sock_* methods",
    "asyncio.SelectorEventLoop.create_task": "connections",
}
METHODS = {name: part for name, part in PATCHES.items() if name.rpartition(".")[2].islower()}
REPLACE = """\
import asyncio
original = {name}
{name} = lambda *arguments, **named: original(*arguments, **named)
"""


@pytest.fixture
def info(pysock, tmp_path):
    """What --info says where a module `sitecustomize` with that *source* was imported before."""
    backend = "" if pysock.BACKEND == "c" else "1"
    environment = {**os.environ, "PYSOCK_NO_EXTENSIONS": backend}
    environment |= {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    environment |= {"PYTHONASYNCIODEBUG": "", "PYTHONDEVMODE": ""}

    def info(*options, source="", **variables):
        (tmp_path / "sitecustomize.py").write_text(source)
        command = [sys.executable, "-m", "pysock", "--info", *options]
        return subprocess.check_output(command, env={**environment, **variables}, text=True)

    return info


def loop_of(text):
    return json.loads(text)["event_loop"]


def test_each_part_is_named(pysock, info):
    said = loop_of(info("--json"))
    assert list(said) == PARTS
    if pysock.BACKEND == "stdlib":
        assert set(said.values()) == {"the extension modules are not in use"}
    else:
        assert {part: reason for part, reason in said.items() if reason} == LACKING


def test_as_text(pysock, info):
    said = info()
    _, _, rest = said.partition("\nevent loop")
    kinds = [line.split()[0] for line in rest.split("\n\n")[0].splitlines()]
    if pysock.BACKEND == "stdlib":
        assert "event loop    stdlib  the extension modules are not in use\n\n" in said
    else:
        assert kinds[0] == "c" and kinds.count("stdlib") == len(LACKING)
        assert all(part in " ".join(rest.split()) for part in PARTS)


def test_debug_mode(only_c, info):
    said = loop_of(info("--json", PYTHONASYNCIODEBUG="1"))
    assert said == dict.fromkeys(PARTS, "the loop is in debug mode")
    text = info(PYTHONASYNCIODEBUG="1")
    assert "\nevent loop    stdlib  the loop is in debug mode\n\n" in text


@pytest.mark.parametrize(("name", "part"), METHODS.items())
def test_a_part_that_is_given_up_is_named(only_c, info, name, part):
    """Where it was patched before the package was imported."""
    if part in LACKING:
        pytest.skip("this interpreter lacks it in any case")
    said = loop_of(info("--json", source=REPLACE.format(name=name)))
    given_up = {part: reason for part, reason in said.items() if reason and part not in LACKING}
    assert list(given_up) == [part]


@pytest.mark.parametrize(("name", "part"), PATCHES.items())
def test_the_loop_itself_says_it_while_it_is_patched(c_loop, monkeypatch, name, part):
    """Where it was patched later."""
    if part in LACKING:
        pytest.skip("this interpreter lacks it in any case")
    *path, last = name.split(".")[1:]
    place = asyncio
    for step in path:
        place = getattr(place, step)
    original = getattr(place, last)

    def replacement(*arguments, **named):
        return original(*arguments, **named)

    if isinstance(original, type):
        replacement = type("Replaced", (original,), {})
    monkeypatch.setattr(place, last, replacement)
    assert c_loop.not_accelerated().startswith(f"{part} alone: ")
    monkeypatch.undo()
    assert c_loop.not_accelerated() is None


@pytest.fixture
def c_loop(pysock, only_c, monkeypatch):
    monkeypatch.setattr(asyncio.coroutines, "_is_debug_mode", lambda: False)
    loop = pysock.EventLoop()
    yield loop
    loop.close()
