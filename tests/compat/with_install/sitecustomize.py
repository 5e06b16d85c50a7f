"""`install()` before anything else in the program, without a word in the program."""

import sys
import warnings

import pysock

with warnings.catch_warnings():
    warnings.simplefilter("error")  # something took the standard library's socket before
    try:
        pysock.install()
    except RuntimeWarning as warning:
        sys.exit(f"install(): {warning}")
