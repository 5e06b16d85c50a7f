"""Programs in a process of their own."""

import os
import subprocess
import sys

from support.paths import ROOT


def in_a_process(program, no_extensions=""):
    """What the text of a *program* prints."""
    return printed("-X", "faulthandler", "-c", program, no_extensions=no_extensions)


def printed(*command, no_extensions, timeout=120, **environment):
    """What Python prints, which ends well and has nothing to complain about."""
    environment |= {"PYTHONPATH": str(ROOT), "PYSOCK_NO_EXTENSIONS": no_extensions}
    done = subprocess.run(
        [sys.executable, *command],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout
