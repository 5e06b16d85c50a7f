"""Call a function when a module has been imported for the first time.

`install()` sets names in asyncio. A program that never imports asyncio must not pay for it, so the
names are set when asyncio is there.
"""

import os
import sys
from _thread import RLock

_lock = RLock()  # of sys.meta_path


def _renew_lock():
    """After a fork no thread of the child would release the lock."""
    global _lock
    _lock = RLock()


os.register_at_fork(after_in_child=_renew_lock)


class FirstImport:
    """A finder that waits at the head of `sys.meta_path` until the module *name* is imported.

    It lets the other finders find the module. When the module has been executed, the finder is
    gone, the module has its own loader, and *then* is called. If the import fails, it waits on.
    """

    def __init__(self, name, then):
        self._name = name
        self._then = then
        with _lock:
            sys.meta_path.insert(0, self)

    def cancel(self):
        """Wait no more. It may have ended already.

        The list is replaced. If it were changed, an import that goes through it in another thread
        would pass over a finder, and not find its module.
        """
        with _lock:
            if self in sys.meta_path:
                sys.meta_path = [finder for finder in sys.meta_path if finder is not self]

    def find_spec(self, name, path=None, target=None):
        if name != self._name:
            return None
        for finder in sys.meta_path.copy():
            find_spec = getattr(finder, "find_spec", None)
            if finder is not self and find_spec is not None:
                spec = find_spec(name, path, target)
                if spec is not None:
                    if hasattr(spec.loader, "exec_module"):
                        spec.loader = _Loader(spec.loader, name)
                    return spec
        return None

    def end_wait(self, name):
        """Call *then* if the module *name* is the one that was waited for."""
        if name == self._name:
            self.cancel()
            self._then()


class _Loader:
    """Loads the module *name* with the *loader* that was found, and ends the waits for it."""

    def __init__(self, loader, name):
        self._loader = loader
        self._name = name

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        # Those that wait now: the one that made this loader may have been cancelled meanwhile.
        for finder in sys.meta_path.copy():
            if type(finder) is FirstImport:
                finder.end_wait(self._name)
