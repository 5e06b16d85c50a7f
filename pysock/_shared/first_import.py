"""Call a function when a module has been imported for the first time.

`install()` sets names in asyncio. A program that never imports asyncio must not pay for it, so the
names are set when asyncio is there.
"""

import sys


class FirstImport:
    """A finder that waits at the head of `sys.meta_path` until the module *name* is imported.

    It lets the other finders find the module. When the module has been executed, the finder is
    gone, the module has its own loader, and *then* is called. If the import fails, it waits on.
    """

    def __init__(self, name, then):
        self._name = name
        self._then = then
        sys.meta_path.insert(0, self)

    def cancel(self):
        """Wait no more. It may have ended already."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(self, name, path=None, target=None):
        if name != self._name:
            return None
        for finder in sys.meta_path.copy():
            find_spec = getattr(finder, "find_spec", None)
            if finder is not self and find_spec is not None:
                spec = find_spec(name, path, target)
                if spec is not None:
                    if hasattr(spec.loader, "exec_module"):
                        spec.loader = _Loader(spec.loader, self._done)
                    return spec
        return None

    def _done(self):
        if self in sys.meta_path:  # otherwise it was cancelled while the module was executed
            self.cancel()
            self._then()


class _Loader:
    """Loads a module with the *loader* that was found for it, and then calls *done*."""

    def __init__(self, loader, done):
        self._loader = loader
        self._done = done

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._done()
