"""The backend "c". Importing it loads its modules from one shared object.

Cython makes a C file of each module. All of them are linked into `native`, which has a list of
them. The interpreter finds an extension module by the name of its file. Here many modules are in
one file, so each is loaded with a loader that gets the name of this file.
"""

import sys

from .native import MODULES  # first: ModuleNotFoundError where it was not built

# isort: split
from . import native

# importlib's ExtensionFileLoader and ModuleSpec. Importing importlib.util for them would take as
# long as loading all the modules.
_Loader, _Spec = type(native.__loader__), type(native.__spec__)


def _load(name):
    """Load the module *name* of the package from the shared object, as an import does."""
    loader = _Loader(name, native.__file__)
    spec = _Spec(name, loader, origin=native.__file__)
    __import__(spec.parent)  # by no statement, which `-X lazy_imports=all` would put off
    spec.has_location = True
    module = loader.create_module(spec)
    module.__spec__, module.__loader__ = spec, loader
    module.__package__, module.__file__ = spec.parent, native.__file__
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    setattr(sys.modules[spec.parent], name.rpartition(".")[2], module)


def load(names):
    """Load the modules of *names*, one of the lists in `native`."""
    for name in names:
        _load(f"{__package__}.{name}")


load(MODULES)
