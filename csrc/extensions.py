"""The extension modules of pysock, for whatever package they are built into.

For vendoring: with `pysock/` and `csrc/` copied side by side into `theirservice/_vendor/`, a
setup.py says

    import runpy
    extensions = runpy.run_path("theirservice/_vendor/csrc/extensions.py")["extensions"]
    setup(..., ext_modules=extensions("theirservice._vendor.pysock"))

and needs nothing else of pysock's build. Only setuptools and Cython are imported, and late.
"""

import os
import subprocess
import sys
import sysconfig
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))

# module: the sources of csrc that it is linked with
MODULES = {
    "_ancillary": ["ps_addr.c", "ps_cmsg.c", "ps_meta.c"],
    "_asyncio_loop": [],
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
    "_interest": [],
    "_message": ["ps_cmsg.c", "ps_io.c"],
    "_numeric": ["ps_addr.c"],
    "_options": ["ps_socket.c"],
    "_outflow": ["ps_io.c", "ps_wait.c"],
    "_outgoing": ["ps_cmsg.c", "ps_outbox.c", "ps_socket.c", "ps_wait.c"],
    "_pending": ["ps_cmsg.c", "ps_errqueue.c", "ps_io.c", "ps_wait.c", "ps_zerocopy.c"],
    "_selector": ["ps_wait.c"],
    "_sockaddr": ["ps_addr.c"],
    "_sockobject": [],
    "_stream": [],
    "_stream_base": [],
    "_splice": ["ps_splice.c", "ps_wait.c"],
    "_transfer": ["ps_io.c", "ps_wait.c"],
    "_turn": ["ps_wait.c"],
    "_unix": ["ps_addr.c", "ps_cmsg.c", "ps_io.c", "ps_socket.c"],
    "_whole": ["ps_io.c", "ps_wait.c"],
    "_zerocopy": ["ps_cmsg.c", "ps_io.c", "ps_wait.c", "ps_zerocopy.c"],
    "capi": ["ps_addr.c", "ps_io.c"],
}

# Checks that the compiler adds: what runs into one is aborted, not exploited.
HARDENING = [
    ["-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=3"],  # system calls and copies against sizes known
    ["-fstack-protector-strong"],
    ["-Wformat=2"],
]

DIRECTIVES = {
    "language_level": 3,
    "auto_pickle": False,  # a __reduce_cython__ would let sockets be pickled
    "binding": True,  # functions bind as methods
    "boundscheck": False,
    "freethreading_compatible": True,  # what threads share: pysock/_threads.h
    "initializedcheck": False,
    "wraparound": False,
}


def hardening():
    """Return those of HARDENING that the compiler takes without a word.

    An old one knows no third level of _FORTIFY_SOURCE, and none can do it without optimisation.
    """
    import setuptools  # noqa: F401  # first: it brings distutils along

    # isort: split
    from distutils.ccompiler import new_compiler
    from distutils.sysconfig import customize_compiler

    compiler = new_compiler()
    customize_compiler(compiler)

    def takes(flags):
        try:
            return not subprocess.run(command + flags, capture_output=True).returncode
        except OSError:
            return False  # no compiler: for the build to say

    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "program.c")
        with open(program, "w") as file:
            file.write("#include <string.h>\nint main(void) { return 0; }\n")
        output = os.path.join(folder, "program.o")
        command = [*compiler.compiler_so, "-Werror", "-c", program, "-o", output]
        every = sum(HARDENING, [])
        return every if takes(every) else sum(filter(takes, HARDENING), [])


def check_packages(package, folder):
    """Raise for a parent of *package*, which is in *folder*, that Cython would not take for one."""
    for parent in reversed(package.split(".")[:-1]):
        folder = os.path.dirname(folder)
        path = os.path.join(folder, "__init__.py")
        if os.path.basename(folder) == parent and not os.path.exists(path):
            raise FileNotFoundError(f"{path}: without it Cython takes this folder for no package")


def is_anothers(path, module):
    """Whether the file is C that Cython has made for another *module*, as in a copied tree."""
    try:
        with open(path) as file:
            return f'"module_name": "{module}"' not in file.read(4096)
    except FileNotFoundError:
        return False


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
    check_packages(package, source)
    flags = ["-std=c11", "-fvisibility=hidden", "-Wall", "-Wextra"] if os.name == "posix" else []
    # Cython 3 declares C-only helpers that a module may not use, casts method signatures, and does
    # not name those fields of a type that the interpreter is too new for it to know: they are zero.
    generated = ["unused-function", "cast-function-type", "missing-field-initializers"]
    flags += [f"-Wno-{warning}" for warning in generated] if flags else []
    flags += ["-O0", "-g3", "-UNDEBUG"] if debug else hardening() if flags else []
    if warnings_as_errors:
        # The interpreter's headers are not ours: they are read as the system's.
        flags += ["-Werror", "-Wconversion", f"-isystem{sysconfig.get_path('include')}"]
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
        modules,
        compiler_directives=DIRECTIVES,
        include_path=[source],
        force=any(
            is_anothers(os.path.join(source, f"{module}.c"), f"{package}.{module}")
            for module in MODULES
        ),
        quiet="--quiet" in sys.argv,
    )
