"""Build pysock: metadata is in pyproject.toml, the list of extensions in csrc/extensions.py.

Environment: PYSOCK_NO_EXTENSIONS=1 builds none; PYSOCK_REQUIRE_EXTENSIONS=1 makes a failed build an
error instead of the fallback; PYSOCK_DEBUG_BUILD=1 builds with asserts; PYSOCK_WERROR=1 is for CI.
"""

import os
import runpy
import sys

from setuptools import setup
from setuptools.command.build_ext import build_ext

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
    """Build all extensions, or none: half of them would be a broken pysock."""

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
