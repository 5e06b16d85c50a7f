"""What `--bench` compares: `socket`, this package in its place, and other loops of asyncio.

Each runs the same program in a process of its own. One more loop is one more line of VARIANTS.
"""

from collections.abc import Callable
from typing import NamedTuple

from .._shared import PACKAGE


def default_loop():
    import asyncio  # not at the top: install() comes before it, as in a program

    return asyncio.new_event_loop()


def uvloop():
    import uvloop

    return uvloop.new_event_loop()


class Variant(NamedTuple):
    name: str
    new_loop: Callable[[], object] = default_loop  # ImportError: it is not installed
    installs: bool = False
    only_loop: bool = False  # without a loop it is `socket`

    def enter(self):
        """Make the rest of this process a program of this variant; return whether that can be."""
        if self.installs:
            from .. import _install

            _install.install()
        try:
            self.new_loop().close()
        except ImportError:
            return False
        return True


SOCKET = Variant("socket")
OURS = Variant(PACKAGE.rpartition(".")[2], installs=True)
VARIANTS = {
    variant.name: variant
    for variant in (
        SOCKET,
        OURS,
        Variant("uvloop", uvloop, only_loop=True),
    )
}
