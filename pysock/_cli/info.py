"""`--info`: the version and backend of this package, and its capabilities on this machine."""

import json
import os
import platform
import sys
import sysconfig
import textwrap

from .. import _backend
from .._shared import PACKAGE
from .._shared import event_loop as _event_loop
from .terminal import painter

package = sys.modules[PACKAGE]

MEANINGS = {
    "gso_segments": "datagrams that one send to a peer may carry (GSO)",
    "gro_segments": "datagrams of a peer that one receive may bring (GRO)",
    "batch": "messages that one system call moves",
    "zerocopy": "1 if send_zerocopy can do without a copy",
}


def interpreter():
    text = f"{platform.python_implementation()} {platform.python_version()}"
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        return text
    return f"{text} free-threaded, its GIL {'on' if sys._is_gil_enabled() else 'off'}"


def about():
    return {
        "package": package.__name__,
        "version": package.__version__,
        "backend": package.BACKEND,
        "python": interpreter(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def backend_explained():
    if package.BACKEND == "c":
        return "the compiled extensions"
    if os.environ.get("PYSOCK_NO_EXTENSIONS"):
        return "the standard library alone: PYSOCK_NO_EXTENSIONS is set"
    return "the standard library alone: no extensions were built, or they do not load"


def event_loop():
    """The parts of a new EventLoop: None for one in C, or why it is asyncio's own."""
    loop = package.EventLoop()
    try:
        return _event_loop.load(_backend).parts(loop)
    finally:
        loop.close()


def grouped(parts):
    """Yield the name of a backend, and what it does of the event loop."""
    in_c = [part for part, reason in parts.items() if reason is None]
    if in_c:
        yield "c", ", ".join(in_c)
    for reason in dict.fromkeys(filter(None, parts.values())):
        own = [part for part, found in parts.items() if found == reason]
        yield "stdlib", f"{', '.join(own)}: {reason}" if in_c else reason


def render(facts, capabilities, parts):
    """Yield the lines of the report as text, in 80 columns."""
    paint = painter(sys.stdout)

    def line(name, value, style, meaning):
        return f"{name:13} {paint(style, value)}{'':{8 - len(value)}}{paint('dim', meaning)}"

    yield paint("bold", "{package} {version}".format_map(facts))
    backend = facts["backend"]
    yield line("backend", backend, "green" if backend == "c" else "yellow", backend_explained())
    for name in ("python", "system"):
        yield textwrap.fill(
            facts[name], 80, initial_indent=f"{name:14}", subsequent_indent=" " * 14
        )
    name = "event loop"
    for found, said in grouped(parts):
        first, *rest = textwrap.wrap(said, 80 - 22)
        yield line(name, found, "green" if found == "c" else "yellow", first)
        yield from (f"{'':22}{paint('dim', more)}" for more in rest)
        name = ""
    yield ""
    for name, number in capabilities.items():
        unsupported = 0 if name == "zerocopy" else 1
        style = "green" if number > unsupported else "yellow"
        yield line(name, str(number), style, MEANINGS.get(name, ""))


def run(*, as_json=False):
    capabilities = dict(package.capabilities())
    if as_json:
        facts = {**about(), "capabilities": capabilities, "event_loop": event_loop()}
        print(json.dumps(facts, indent=2))
    else:
        print(*render(about(), capabilities, event_loop()), sep="\n")
