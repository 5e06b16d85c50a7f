"""What a test needs of the machine. In CI a test is not skipped for the want of it: it fails."""

import os
import sys

import pytest

only_linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such files")


def needs(name, is_installed):
    """Mark a test that needs the program or the module *name*. CI installs all of them."""
    is_skipped = not is_installed and not os.environ.get("CI")
    return pytest.mark.skipif(is_skipped, reason=f"not installed: {name}")
