"""What the ports share: where the project is, what is said, and which programs are needed."""

import shutil
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
_begin = time.monotonic()


class NotHere(Exception):
    """A port cannot be tried on this machine; the text says why. This is no success."""


def say(line):
    print(f"{time.monotonic() - _begin:5.0f} s  {line}", flush=True)


def find_program(name, package):
    path = shutil.which(name)
    if path is None:
        raise NotHere(f"{name} is not installed (Debian: {package})")
    return path
