"""As with_install does it, and asyncio's loops send what a callback writes when it returns."""

import sys
import warnings

import pysock

with warnings.catch_warnings():
    warnings.simplefilter("error")  # something took the standard library's socket before
    try:
        pysock.install(coalesce_writes=True)
    except RuntimeWarning as warning:
        sys.exit(f"install(): {warning}")
