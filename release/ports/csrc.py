"""csrc's own tests for other machines: cross-compiled, and run by qemu's user-mode emulation.

What the emulation does not have, the tests find out by plain C, and say.
"""

import subprocess
import tempfile
from pathlib import Path

from machine import ROOT, NotHere, find_program, say

# The compiler, its Debian package, the emulator if one is needed, and further flags.
MUSL_LACKS = ["-idirafter", "/usr/include", "-idirafter", "/usr/include/x86_64-linux-gnu"]
TARGETS = {
    "i386": ("i686-linux-gnu-gcc", "gcc-i686-linux-gnu", None, []),
    "musl": ("musl-gcc", "musl-tools", None, MUSL_LACKS),  # the headers of the kernel
    "aarch64": ("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu", "qemu-aarch64-static", []),
    "s390x": ("s390x-linux-gnu-gcc", "gcc-s390x-linux-gnu", "qemu-s390x-static", []),
}
PROGRAMS = ["batch", "gather", "meta", "descriptors", "zerocopy"]
# The targets of the fuzzers, with a driver of their own, on the inputs that are kept.
FUZZED = ["address", "control"]
CSRC = ROOT / "csrc"
TESTS = ROOT / "tests" / "csrc"
FLAGS = ["-std=c11", "-pthread", "-O1", "-g", "-Wall", "-Wextra", "-Werror", f"-I{CSRC}"]


def run(command, folder):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=folder)
    if done.returncode or done.stderr:
        raise SystemExit(f"{' '.join(map(str, command))}: {done.returncode}\n{done.stderr}")
    return done.stdout.strip()


def try_target(name):
    """Compile csrc and its tests for the machine *name*, and run them. Raises NotHere."""
    compiler, package, emulator, flags = TARGETS[name]
    compile_with = [find_program(compiler, package), *flags, *FLAGS]
    runner = [find_program(emulator, "qemu-user-static")] if emulator else []
    with tempfile.TemporaryDirectory() as folder:
        run([*compile_with, "-Wconversion", "-c", *sorted(CSRC.glob("ps_*.c"))], folder)
        objects = sorted(Path(folder).glob("*.o"))

        def build(source, *more):
            target = Path(folder) / source
            run(
                [*compile_with, *more, "-static", "-o", target, TESTS / f"{source}.c", *objects],
                folder,
            )
            return [*runner, target]

        for program in PROGRAMS:
            say(f"csrc on {name}: {program}: {run(build(program), folder)}")
        for fuzzed in FUZZED:
            kept = sorted((TESTS / "corpus" / fuzzed).iterdir())
            tried = run([*build(f"fuzz_{fuzzed}", "-DSTANDALONE"), "1", "1", *kept], folder)
            say(f"csrc on {name}: {fuzzed}: {tried.split()[0]} inputs")


def try_all():
    """Return the names of the machines that could not be tried here."""
    missing = []
    for name in TARGETS:
        try:
            try_target(name)
        except NotHere as reason:
            missing.append(f"csrc on {name}: {reason}")
    return missing
