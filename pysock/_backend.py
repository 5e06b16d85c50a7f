"""Choose the backend: the compiled one, or the standard library's. Nothing else happens here.

`PYSOCK_NO_EXTENSIONS=1` asks for the fallback, at build time and at import alike. Where there are
no extensions it is the fallback without a word. Where one is broken, or missing beside the others,
it is the fallback with a warning that says why.
"""

import os
import sys
import warnings
from importlib import import_module
from importlib.util import find_spec

_EXTENSIONS = (
    "_ancillary",
    "_asyncio_loop",
    "_batch",
    "_batch_receive",
    "_batch_send",
    "_buffers",
    "_call",
    "_capabilities",
    "_connection",
    "_deadline",
    "_file",
    "_inflow",
    "_interest",
    "_message",
    "_numeric",
    "_options",
    "_outflow",
    "_outgoing",
    "_pending",
    "_selector",
    "_sockaddr",
    "_sockobject",
    "_stream",
    "_stream_base",
    "_splice",
    "_transfer",
    "_turn",
    "_unix",
    "_whole",
    "_zerocopy",
)


def _compiled():
    """The compiled backend; None where it is unwanted, missing, or broken, which is warned of."""
    names = [f"{__package__}.{name}" for name in _EXTENSIONS]
    if os.environ.get("PYSOCK_NO_EXTENSIONS") or not any(map(find_spec, names)):
        return None
    try:
        for name in names:
            import_module(name)  # `from . import` would not say which one is missing
        return import_module(f"{__package__}._accelerated")
    except Exception as error:
        warnings.warn(
            f"{__package__}: its extension modules are present but do not load on Python "
            f"{sys.version.split()[0]} ({type(error).__name__}: {error}); using the standard "
            "library instead. Build them again for this interpreter, or set "
            "PYSOCK_NO_EXTENSIONS=1 to choose the fallback without this warning.",
            RuntimeWarning,
            stacklevel=3,
        )
        return None


_chosen = _compiled()
if _chosen is None:
    from . import _fallback as _chosen

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
