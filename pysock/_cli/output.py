"""A file that an option writes at its end, and that is tried at its start."""

import contextlib
import os
import stat


class Failed(Exception):
    """The file cannot be written; the cause is an OSError."""


@contextlib.contextmanager
def written(path):
    """Open the file; give a function that writes it. Without a call of it nothing is changed."""
    keep = os.path.lexists(path)
    try:
        # Without a buffer: closing it would write once more what could not be written.
        file = open(path, "ab", buffering=0)
    except OSError as error:
        raise Failed from error

    def write(text):
        nonlocal keep
        left = text.encode()
        try:
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                file.truncate(0)
            while left:
                left = left[file.write(left) :]
        except OSError as error:
            raise Failed from error
        keep = True

    try:
        with file:
            yield write
    finally:
        if not keep:
            os.unlink(path)
