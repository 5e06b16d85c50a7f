"""The modules that stand in for `socket`: one for each leg of the suite."""

import importlib.util
import os
import socket
import sys

from support.paths import ROOT

sys.path.insert(0, str(ROOT))


def load_fallback():
    """Return a second copy of the package, under another name, on the standard library alone."""
    path = ROOT / "pysock" / "__init__.py"
    spec = importlib.util.spec_from_file_location(
        "pysock_fallback", path, submodule_search_locations=[str(path.parent)]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    before = os.environ.get("PYSOCK_NO_EXTENSIONS")
    os.environ["PYSOCK_NO_EXTENSIONS"] = "1"
    try:
        spec.loader.exec_module(module)
    finally:
        if before is None:
            del os.environ["PYSOCK_NO_EXTENSIONS"]
        else:
            os.environ["PYSOCK_NO_EXTENSIONS"] = before
    return module


def load(leg):
    """Return the module of *leg*: "c", "fallback" or "socket"."""
    if leg == "socket":
        return socket
    if leg == "fallback":
        return sys.modules.get("pysock_fallback") or load_fallback()
    import pysock

    assert pysock.BACKEND == "c", "the extension is missing: build it, or give --no-extensions"
    return pysock
