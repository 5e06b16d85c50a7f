"""The extension modules of pysock, for whatever package they are built into.

For vendoring: with `pysock/` and `csrc/` copied side by side into `theirservice/_vendor/`, a
setup.py says

    import runpy
    extensions = runpy.run_path("theirservice/_vendor/csrc/extensions.py")["extensions"]
    setup(..., ext_modules=extensions("theirservice._vendor.pysock"))

and needs nothing else of pysock's build. Only setuptools and Cython are imported, and late.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

# module: the sources of csrc that it is linked with
MODULES = {
    "_ancillary": ["ps_addr.c", "ps_cmsg.c", "ps_meta.c"],
    "_batch": ["ps_cmsg.c", "ps_inbox.c", "ps_io.c", "ps_meta.c", "ps_wait.c"],
    "_batch_receive": ["ps_cmsg.c", "ps_inbox.c", "ps_io.c", "ps_meta.c", "ps_wait.c"],
    "_batch_send": [],
    "_buffers": [],
    "_call": ["ps_io.c", "ps_wait.c"],
    "_capabilities": ["ps_probe.c", "ps_socket.c"],
    "_connection": ["ps_socket.c"],
    "_deadline": ["ps_wait.c"],
    "_file": ["ps_io.c"],
    "_inflow": ["ps_addr.c", "ps_io.c", "ps_wait.c"],
    "_message": ["ps_cmsg.c", "ps_io.c"],
    "_numeric": ["ps_addr.c"],
    "_options": ["ps_socket.c"],
    "_outflow": ["ps_io.c", "ps_wait.c"],
    "_outgoing": ["ps_cmsg.c", "ps_outbox.c", "ps_socket.c", "ps_wait.c"],
    "_selector": ["ps_epoll.c", "ps_wait.c"],
    "_sockaddr": ["ps_addr.c"],
    "_stream": [],
    "_stream_base": [],
    "_transfer": ["ps_io.c", "ps_wait.c"],
    "_turn": ["ps_wait.c"],
    "_unix": ["ps_addr.c", "ps_cmsg.c", "ps_io.c", "ps_socket.c"],
}

DIRECTIVES = {
    "language_level": 3,
    "auto_pickle": False,  # a __reduce_cython__ would let sockets be pickled
    "binding": True,  # functions bind as methods
    "boundscheck": False,
    "initializedcheck": False,
    "wraparound": False,
}


def extensions(package, *, warnings_as_errors=False, debug=False):
    """Return the list of cythonized `Extension`s that make *package* an accelerated pysock.

    *package* is the dotted name that the copied `pysock/` folder will be imported by; the folder is
    the one beside this file's. *warnings_as_errors* is for pysock's own CI; *debug* builds without
    optimisation and with asserts.
    """
    from Cython.Build import cythonize
    from setuptools import Extension

    # Paths relative to the project that is built: setuptools refuses others.
    csrc = os.path.relpath(HERE)
    source = os.path.relpath(os.path.join(os.path.dirname(HERE), "pysock"))
    flags = ["-std=c11", "-fvisibility=hidden", "-Wall", "-Wextra"] if os.name == "posix" else []
    # Cython 3 declares C-only helpers that a module may not use, and casts method signatures.
    flags += ["-Wno-unused-function", "-Wno-cast-function-type"] if flags else []
    if warnings_as_errors:
        flags.append("-Werror")
    flags += ["-O0", "-g3", "-UNDEBUG"] if debug else []
    modules = [
        Extension(
            f"{package}.{module}",
            [os.path.join(source, f"{module}.pyx"), *(os.path.join(csrc, name) for name in names)],
            include_dirs=[csrc, source],
            depends=[os.path.join(csrc, name) for name in os.listdir(csrc) if name.endswith(".h")],
            extra_compile_args=flags,
        )
        for module, names in MODULES.items()
    ]
    return cythonize(
        modules, compiler_directives=DIRECTIVES, include_path=[source], quiet="--quiet" in sys.argv
    )
