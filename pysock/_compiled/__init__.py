"""The backend "c". Importing it loads all of its modules from one shared object.

Cython makes a C file of each module. All of them are linked into `native`, which lists them. The
interpreter finds an extension module by the name of its file. Here many are in one file, so each is
loaded by the loader that is told which file it is.
"""

import sys
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_file_location

from . import native


def _load(name):
    """Load the module *name* of the package from the shared object, as an import would."""
    loader = ExtensionFileLoader(name, native.__file__)
    module = module_from_spec(spec_from_file_location(name, native.__file__, loader=loader))
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    room, _, attribute = name.rpartition(".")
    setattr(sys.modules[room], attribute, module)


from . import asyncio, connection, core, datagrams, io, selectors, stream  # noqa: E402, F401

for _module in native.MODULES:
    _load(f"{__package__}.{_module}")
