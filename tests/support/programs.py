"""Programs in a process of their own."""

import os
import subprocess
import sys

from support.paths import ROOT


def in_a_process(program, no_extensions=""):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYSOCK_NO_EXTENSIONS": no_extensions}
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout
