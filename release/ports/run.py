"""The ports: csrc for other machines; the suite and CPython's own tests on other machines.

    python release/ports/run.py csrc             csrc's tests, cross-compiled: minutes
    python release/ports/run.py i386 3.14 3.15   in Debian roots, at full speed
    python release/ports/run.py 3.14t            the same; the interpreter is built first
    python release/ports/run.py aarch64 s390x    in emulated roots: hours

What cannot be tried on this machine is named, and the exit status is 2. It is 1 where a test fails.
"""

import argparse

import roots
from machine import NotHere, say

import csrc


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("ports", nargs="+", choices=["csrc", *roots.PORTS])
    parser.add_argument("--tests", default="", help="what pytest is told, in the roots")
    parser.add_argument("--conformance", default="", help="what tests/conformance/run.py is told")
    args = parser.parse_args()
    missing, failed = [], []
    for name in args.ports:
        try:
            if name == "csrc":
                missing += csrc.try_all()
            elif not roots.try_port(name, args.tests, args.conformance):
                failed.append(name)
        except NotHere as reason:
            missing.append(f"{name}: {reason}")
    for reason in missing:
        say(f"NOT TRIED: {reason}")
    if failed:
        say(f"FAILED: {' '.join(failed)}")
    return 1 if failed else 2 if missing else 0


if __name__ == "__main__":
    raise SystemExit(main())
