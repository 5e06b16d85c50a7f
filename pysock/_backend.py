"""Choose the backend: the compiled one, or the standard library's. Nothing else happens here.

`PYSOCK_NO_EXTENSIONS=1` asks for the fallback, at build time and at import alike. A missing
extension is the fallback without a word. A broken one is the fallback with a warning that says why.
"""

import os
import sys
import warnings

_EXTENSIONS = ("_call", "_connection", "_message", "_numeric", "_options", "_sockaddr", "_transfer")


def _choose():
    from . import _fallback

    if os.environ.get("PYSOCK_NO_EXTENSIONS"):
        return _fallback
    try:
        from . import _accelerated
    except ModuleNotFoundError as error:
        if error.name in {f"{__package__}.{name}" for name in _EXTENSIONS}:
            return _fallback
        raise
    except Exception as error:
        warnings.warn(
            f"{__package__}: its extension modules are present but do not load on Python "
            f"{sys.version.split()[0]} ({type(error).__name__}: {error}); using the standard "
            "library instead. Build them again for this interpreter, or set "
            "PYSOCK_NO_EXTENSIONS=1 to choose the fallback without this warning.",
            RuntimeWarning,
            stacklevel=3,
        )
        return _fallback
    return _accelerated


_chosen = _choose()

BACKEND = _chosen.BACKEND
FASTER = _chosen.FASTER
socket = _chosen.socket
get_gil_hold = _chosen.get_gil_hold
set_gil_hold = _chosen.set_gil_hold
