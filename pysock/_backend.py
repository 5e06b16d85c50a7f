"""Choose the backend: the compiled one, or the standard library's. Nothing else happens here.

`PYSOCK_NO_EXTENSIONS=1` asks for the fallback, at build time and at import alike. Where the shared
object was not built it is the fallback without a word. Where it is there and does not load, it is
the fallback with a warning that says why.
"""

import os
import sys


def _compiled():
    """The compiled backend; None where it is unwanted, missing, or broken, which is warned of."""
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


def _warn(error):
    import warnings

    warnings.warn(
        f"{__package__}: its extension modules are present but do not load on Python "
        f"{sys.version.split()[0]} ({type(error).__name__}: {error}); using the standard "
        "library instead. Build them again for this interpreter, or set "
        "PYSOCK_NO_EXTENSIONS=1 to choose the fallback without this warning.",
        RuntimeWarning,
        stacklevel=4,
    )


_chosen = _compiled()
if _chosen is None:
    from ._fallback import socket as _chosen

BACKEND = _chosen.BACKEND
FASTER = _chosen.FASTER
EpollSelector = _chosen.EpollSelector
socket = _chosen.socket
DatagramBatch = _chosen.DatagramBatch
Stream = _chosen.Stream
capabilities = _chosen.capabilities
splice = _chosen.splice
parse_ancillary = _chosen.parse_ancillary
get_gil_hold = _chosen.get_gil_hold
set_gil_hold = _chosen.set_gil_hold
