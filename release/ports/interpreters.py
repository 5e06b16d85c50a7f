"""The interpreter of a root: Debian's package, or one that is built from Debian's source package.

Both are commands for the shell in the root, and the path of the interpreter that is there then.
CPYTHON_SOURCE may name an archive of CPython's sources, which is built instead of Debian's.
"""

import os
import shutil

SOURCE = os.environ.get("CPYTHON_SOURCE", "")
# A mirror may be a snapshot, whose date has passed. Its signature is checked all the same.
UPDATE = "apt-get update -qq -o Acquire::Check-Valid-Until=false"
INSTALL = "apt-get install -y -qq --no-install-recommends"
# What the modules of the standard library are compiled with, as far as the tests import them.
BUILD_PACKAGES = (
    "libbz2-dev libffi-dev liblzma-dev libsqlite3-dev libssl-dev make xz-utils zlib1g-dev"
)
DOWNLOAD = """
echo 'deb-src {mirror} {suite} main' > /etc/apt/sources.list.d/{suite}-source.list
{update}
apt-get source -qq --download-only --only-source {package}
mv {package}_*.orig.tar.?z source.tar
"""
BUILD = """
{install} {packages}
tar -xf source.tar --strip-components=1
./configure --quiet --prefix="$PWD/installed" {option}
nice make -s -j"$(nproc)" build_all
make -s altinstall
"""


def from_package(package):
    """Debian's interpreter *package*, with CPython's own tests."""
    parts = [package, f"{package}-dev", f"{package}-venv", f"lib{package}-testsuite"]
    return f"{INSTALL} {' '.join(parts)}", package


def from_source(package, option, root, folder, mirror, suite):
    """The version of Debian's *package*, configured with *option*, built in *folder* of *root*."""
    target = root / folder[1:]
    target.mkdir(parents=True, exist_ok=True)
    build = BUILD.format(install=INSTALL, packages=BUILD_PACKAGES, option=option)
    if SOURCE:
        shutil.copy(SOURCE, target / "source.tar")
    else:
        build = DOWNLOAD.format(mirror=mirror, suite=suite, update=UPDATE, package=package) + build
    return f"cd {folder}; {build}", f"{folder}/installed/bin/{package}"
