"""Build pysock: metadata is in pyproject.toml, the list of extensions in csrc/extensions.py.

Environment: PYSOCK_NO_EXTENSIONS=1 builds none; PYSOCK_REQUIRE_EXTENSIONS=1 makes a failed build an
error instead of the fallback; PYSOCK_DEBUG_BUILD=1 builds with asserts; PYSOCK_WERROR=1 is for CI.
"""

import os
import runpy
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from operator import itemgetter
from pathlib import Path

from setuptools import setup
from setuptools.command.build_ext import build_ext
from setuptools.modified import newer_group

REQUIRED = bool(os.environ.get("PYSOCK_REQUIRE_EXTENSIONS"))
WANTED = not os.environ.get("PYSOCK_NO_EXTENSIONS") and sys.implementation.name == "cpython"


def announce(line):
    """Say *line* where a person sees it: pip keeps a build's output to itself."""
    print(line, file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        return
    try:
        with open("/dev/tty", "w") as terminal:
            print(line, file=terminal)
    except OSError:
        pass


class BuildOrFallBack(build_ext):
    """Build all extensions, or none: one without the other would be a broken pysock."""

    def run(self):
        inplace = self.inplace
        try:
            super().run()
        except Exception as error:
            if REQUIRED:
                raise
            self.inplace = inplace
            self.build_none()
            announce(f"pysock: no extension was built ({error}): you get the fallback")

    def build_extension(self, extension):
        """Compile on all cores, and only what has changed: one shared object has fifty sources."""
        compile_all = self.compiler.compile
        self.compiler.compile = partial(compile_changed, self.compiler, compile_all)
        self.force = True  # linking takes a second: what is to be compiled is decided above
        try:
            super().build_extension(extension)
        finally:
            self.compiler.compile = compile_all

    def build_none(self):
        """Leave no extension behind, of an earlier build neither, and a wheel for any platform."""
        for extension in self.extensions:
            path = self.get_ext_fullpath(extension.name)
            if os.path.exists(path):
                os.unlink(path)
        self.extensions = self.distribution.ext_modules = []
        wheel = self.distribution.get_command_obj("bdist_wheel", create=False)
        if wheel:
            wheel.root_is_pure = True


def compile_changed(compiler, compile_all, sources, output_dir, depends, **options):
    """`compile` of a distutils *compiler*: several at a time, and only what is out of date.

    An object is up to date if it is newer than its source and all of *depends*, and was made with
    the same flags, which stand in a file beside it.
    """
    command = repr([compiler.compiler_so, sorted(options.items(), key=itemgetter(0))])

    def compile_one(source):
        (made,) = compiler.object_filenames([source], output_dir=output_dir)
        flags = Path(made).with_suffix(".flags")
        known = flags.exists() and flags.read_text() == command
        if not known or newer_group([source, *depends], made):
            flags.unlink(missing_ok=True)
            compile_all([source], output_dir=output_dir, depends=depends, **options)
            flags.write_text(command)
        return made

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(compile_one, sources))


def extensions():
    if not WANTED:
        announce("pysock: built without extensions, as asked: you get the fallback")
        return []
    try:
        return runpy.run_path("csrc/extensions.py")["extensions"](
            "pysock",
            warnings_as_errors=bool(os.environ.get("PYSOCK_WERROR")),
            debug=bool(os.environ.get("PYSOCK_DEBUG_BUILD")),
        )
    except ImportError as error:
        if REQUIRED:
            raise
        announce(f"pysock: no extension was built ({error}): you get the fallback")
        return []


setup(ext_modules=extensions(), cmdclass={"build_ext": BuildOrFallBack})
