"""Say which class of socket a program binds, without a change to the program.

Python imports this module by itself when its folder is in PYTHONPATH. The demo does that for
`-m http.server`, which has no line of the demo's in which it could tell.
"""

import sys
from typing import Any


def tell(event: str, args: tuple[Any, ...]) -> None:
    """Hear `sys.audit`: the event "socket.bind" carries the socket, as its documentation says."""
    if event == "socket.bind":
        print("bound with", type(args[0]), flush=True)


sys.addaudithook(tell)
