"""`--info`: the version and backend of this package, and its capabilities on this machine."""

import json
import os
import platform
import sys
import sysconfig
import textwrap

from .._shared import PACKAGE
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


def render(facts, capabilities):
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
    yield ""
    for name, number in capabilities.items():
        unsupported = 0 if name == "zerocopy" else 1
        style = "green" if number > unsupported else "yellow"
        yield line(name, str(number), style, MEANINGS.get(name, ""))


def run(*, as_json=False):
    capabilities = dict(package.capabilities())
    if as_json:
        print(json.dumps({**about(), "capabilities": capabilities}, indent=2))
    else:
        print(*render(about(), capabilities), sep="\n")
