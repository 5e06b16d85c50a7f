"""Choose the backend: the compiled one, or the fallback on the standard library.

`PYSOCK_NO_EXTENSIONS=1` selects the fallback, at build time and at import. If the shared object was
not built, the fallback is used without a warning. If it is there and does not load, the fallback is
used and a warning has the reason.
"""

import os
import sys


def _compiled():
    """Return the compiled backend; None if it is disabled, missing or, with a warning, broken."""
    if os.environ.get("PYSOCK_NO_EXTENSIONS"):
        return None
    try:
        from ._compiled import socket

        return socket
    except ModuleNotFoundError as error:
        if error.name == f"{__package__}._compiled.native":
            return None
        _warn(error)
    except Exception as error:
        _warn(error)
    return None


def _has_other_interpreters(error):
    """Whether the extension serves another interpreter of the process, or cannot serve this one."""
    if "one interpreter per process" in str(error):  # the text of the extension itself
        return True
    try:
        import _interpreters as interpreters
    except ImportError:  # before Python 3.13
        try:
            import _xxsubinterpreters as interpreters
        except ImportError:
            return False
    return interpreters.get_current() != interpreters.get_main()


def _warn(error):
    import warnings

    if _has_other_interpreters(error):
        advice = "They serve one interpreter of a process, and none with a GIL of its own. Set"
    else:
        advice = "Build them again for this interpreter, or set"
    warnings.warn(
        f"{__package__}: its extension modules are present but do not load on Python "
        f"{sys.version.split()[0]} ({type(error).__name__}: {error}); using the standard "
        f"library instead. {advice} PYSOCK_NO_EXTENSIONS=1 to choose the fallback without this "
        "warning.",
        RuntimeWarning,
        stacklevel=4,
    )


_chosen = _compiled()
if _chosen is None:
    from ._fallback import socket as _chosen

BACKEND = _chosen.BACKEND
FASTER = _chosen.FASTER
EpollSelector = _chosen.EpollSelector
Stream = _chosen.Stream
DatagramBatch = _chosen.DatagramBatch
parse_ancillary = _chosen.parse_ancillary
splice = _chosen.splice
socket = _chosen.socket
capabilities = _chosen.capabilities
get_gil_hold = _chosen.get_gil_hold
set_gil_hold = _chosen.set_gil_hold
load_asyncio = _chosen.load_asyncio
