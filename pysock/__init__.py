"""A C-accelerated drop-in replacement for the standard library's `socket`.

Write `import pysock as socket`; the rest of the program stays the same. Every name of `socket` is
here with the same meaning. `BACKEND` is "c" if the C layer is in use, and "stdlib" if the fallback
is. `EXTENDED` lists the names that pysock adds.
"""

import socket as _stdlib
import sys as _sys
from types import FunctionType as _FunctionType

if _sys.platform == "win32":
    raise ImportError(
        f"{__name__} needs a POSIX system: on Windows catch this error, and import socket instead"
    )

# The module is `socket` with some names replaced. It gets all names first, private ones too,
# because libraries use them: ssl compares the identity of _GLOBAL_DEFAULT_TIMEOUT.
globals().update(
    {name: value for name, value in vars(_stdlib).items() if not name.startswith("__")}
)

from . import _backend, _install  # noqa: E402
from ._shared import constants as _constants  # noqa: E402
from ._shared import event_loop as _event_loop  # noqa: E402
from ._shared import exceptions as _exceptions  # noqa: E402
from ._shared import public_names as _public_names  # noqa: E402
from ._shared import results as _results  # noqa: E402
from ._shared.rebind import rebind as _rebind  # noqa: E402

for _name, _value in vars(_stdlib).items():
    if isinstance(_value, _FunctionType) and _value.__module__ == "socket":
        globals()[_name] = _rebind(_value)

# After the loop: this module uses the rebound functions.
from ._shared import connect as _connect  # noqa: E402

__version__ = "0.1.0"
BACKEND = _backend.BACKEND
IncompleteReadError = _exceptions.IncompleteReadError
LimitOverrunError = _exceptions.LimitOverrunError
DatagramBatch = _backend.DatagramBatch
EpollSelector = _backend.EpollSelector
# The methods have the qualified names of the standard library's. Pickle finds them by these.
_PollLikeSelector = EpollSelector
PeerCredentials = _results.PeerCredentials
Stream = _backend.Stream
capabilities = _backend.capabilities
get_gil_hold = _backend.get_gil_hold
parse_ancillary = _backend.parse_ancillary
reuse_port_listeners = _connect.reuse_port_listeners
set_gil_hold = _backend.set_gil_hold
splice = _backend.splice
install = _install.install
installed = _install.installed
uninstall = _install.uninstall

create_connection = _connect.create_connection
socket = _backend.socket
globals().update(_backend.FASTER)
globals().update(_constants.CONSTANTS)

EXTENDED = [
    "BACKEND",
    "DatagramBatch",
    "EXTENDED",
    "EpollSelector",
    "EventLoop",
    "IncompleteReadError",
    "LimitOverrunError",
    "PeerCredentials",
    "Stream",
    "capabilities",
    "get_gil_hold",
    "install",
    "installed",
    "new_event_loop",
    "parse_ancillary",
    "reuse_port_listeners",
    "run",
    "set_gil_hold",
    "splice",
    "uninstall",
    *_constants.CONSTANTS,
]

__all__ = [*_stdlib.__all__, *EXTENDED]

_public_names.set_public_names(globals())
globals().update(_event_loop.make_public(_backend))

del _name, _value
