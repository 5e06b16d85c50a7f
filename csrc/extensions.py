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

# Of csrc, what capi.pyx calls itself: the rest of it calls the modules of the compiled backend.
CAPI_SOURCES = ["ps_addr.c", "ps_io.c"]

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
    "freethreading_compatible": True,  # what threads share: _compiled/core/threads.h
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


def compiled_modules(source):
    """Return the dotted names, below *source*, of the modules that one shared object is made of."""
    found = []
    for folder, _, files in os.walk(os.path.join(source, "_compiled")):
        room = os.path.relpath(folder, source).replace(os.sep, ".")
        found += [f"{room}.{name[:-4]}" for name in files if name.endswith(".pyx")]
    return sorted(found)


def headers(folder):
    """Return the paths of the C headers below *folder*."""
    return [
        os.path.join(where, name)
        for where, _, files in os.walk(folder)
        for name in files
        if name.endswith(".h")
    ]


def extensions(package, *, warnings_as_errors=False, debug=False):
    """Return the two `Extension`s that make *package* an accelerated pysock.

    One has all modules of the compiled backend and csrc. The other is `capi`, which modules of
    other projects find by its file.

    *package* is the dotted name that the copied `pysock/` folder will be imported by; the folder is
    the one beside this file's. *warnings_as_errors* is for pysock's own CI; *debug* builds without
    optimisation and with asserts.
    """
    from multiprocessing import get_start_method

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
    paths = {
        f"{package}.{module}": os.path.join(source, *module.split(".")) + ".pyx"
        for module in ["capi", *compiled_modules(source)]
    }
    capi, *compiled = cythonize(
        [Extension(name, [path]) for name, path in paths.items()],
        build_dir=os.path.join("build", "cython"),
        compiler_directives=DIRECTIVES,
        include_path=[source],
        # A process that is not forked would run setup.py, and so come here again.
        nthreads=os.cpu_count() if get_start_method() == "fork" else 0,
        quiet="--quiet" in sys.argv,
    )

    def linked(name, c_modules, names):
        """One Extension of the C of *c_modules*, and of csrc's files with these *names*."""
        return Extension(
            name,
            [
                *(path for module in c_modules for path in module.sources),
                *(os.path.join(csrc, name) for name in names),
            ],
            include_dirs=[csrc, source],
            depends=headers(csrc) + headers(os.path.join(source, "_compiled")),
            extra_compile_args=flags,
        )

    every_name = sorted(name for name in os.listdir(csrc) if name.endswith(".c"))
    return [
        linked(f"{package}._compiled.native", compiled, every_name),
        linked(f"{package}.capi", [capi], CAPI_SOURCES),
    ]
