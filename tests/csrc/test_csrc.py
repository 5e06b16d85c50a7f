"""csrc by itself, without an interpreter: under the sanitizers, and under libFuzzer.

`make fuzz` runs the fuzz targets for longer. Needed are a C compiler and, for libFuzzer, clang with
its run-time library: CI fails without them, elsewhere the targets' own driver goes on for as long.
CC is the compiler and may have flags: `CC="gcc -m32"` tests a 32-bit csrc.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from seeds import SEEDS
from support.paths import ROOT

HERE = Path(__file__).resolve().parent
CSRC = ROOT / "csrc"
CORPUS = HERE / "corpus"
TARGETS = ["control", "address"]
USED = (
    "addr",
    "cmsg",
    "errqueue",
    "inbox",
    "io",
    "meta",
    "outbox",
    "socket",
    "splice",
    "wait",
    "zerocopy",
)
SECONDS = os.environ.get("PYSOCK_FUZZ_SECONDS", "3")  # CI gives it a minute
KEPT = os.environ.get("PYSOCK_FUZZ_CORPUS")  # where new inputs go, beside the tests' own
IN_CI = bool(os.environ.get("CI"))
PACKAGES = "clang libclang-rt-14-dev"  # Debian 12's names
FLAGS = [
    "-std=c11",
    "-pthread",
    "-g",
    "-O1",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-fno-sanitize-recover=all",
]
SANITIZED = "-fsanitize=address,undefined"
FUZZED = "-fsanitize=fuzzer,address,undefined"


def compile_with(compiler, target, program, *flags):
    """Compile one of tests/csrc with what it uses of csrc."""
    sources = [CSRC / f"ps_{name}.c" for name in USED]
    done = subprocess.run(
        [*compiler, *FLAGS, *flags, f"-I{CSRC}", "-o", target, HERE / program, *sources],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return target


def c_compiler():
    """The command that CC names, flags included."""
    command = shlex.split(os.environ.get("CC") or "cc")
    if shutil.which(command[0]) is None:
        pytest.fail("a C compiler is needed to run csrc under the sanitizers")
    return command


def pointer_size():
    macros = run(*c_compiler(), "-dM", "-E", "-x", "c", os.devnull)
    return int(re.search(r"__SIZEOF_POINTER__ (\d)", macros)[1])


def build(target, program, *flags, sanitizers=SANITIZED):
    return compile_with(c_compiler(), target, program, sanitizers, *flags)


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


# Forced: as on a system without recvmmsg and sendmmsg.
@pytest.mark.parametrize("flags", [[], ["-DPS_FORCE_ONE_BY_ONE"]], ids=["mmsg", "one-by-one"])
def test_batches(tmp_path, flags):
    assert run(build(tmp_path / "batch", "batch.c", *flags)) == "ok\n"


def test_gathering(tmp_path):
    assert run(build(tmp_path / "gather", "gather.c")) == "ok\n"


def test_control_messages(tmp_path):
    assert run(build(tmp_path / "meta", "meta.c")) == "ok\n"


def test_descriptors(tmp_path):
    assert run(build(tmp_path / "descriptors", "descriptors.c")) == "ok\n"


@pytest.mark.parametrize("sanitizers", [SANITIZED, "-fsanitize=thread"])
def test_zero_copy_sends(tmp_path, sanitizers):
    if "thread" in sanitizers and pointer_size() == 4:
        pytest.skip("compilers have no thread sanitizer for 32 bits")
    program = build(tmp_path / "zerocopy", "zerocopy.c", sanitizers=sanitizers)
    assert run(program) == "ok\n"


# The layout of what csrc and the Cython modules share


def test_every_file_includes_the_first_header_first():
    for path in CSRC.glob("ps_*.[ch]"):
        if path.name == "ps_sys.h":
            continue
        [first, *_] = re.findall(r"#include (\S+)", path.read_text())
        assert first.startswith('"ps_'), path  # which includes ps_sys.h first, and so on
    headers = re.findall(r"^#(?:include|define) (\w+|<\S+)", (CSRC / "ps_sys.h").read_text(), re.M)
    assert headers[:3] == ["PS_SYS_H", "_GNU_SOURCE", "_FILE_OFFSET_BITS"]


SYSTEM_HEADERS = "".join(
    f"#include <{name}.h>\n"
    for name in ("netinet/in", "stdint", "sys/socket", "sys/types", "unistd")
)
OTHER_LAYOUTS = {
    # What a 32-bit program sees that has included the C library without _FILE_OFFSET_BITS.
    "off_t": "#define off_t int32_t",
    "layout of ps_io": "#define int64_t int32_t",
    "layout of ps_meta": "#define uint32_t uint64_t",
}


@pytest.mark.parametrize("message", OTHER_LAYOUTS)
def test_another_layout_does_not_compile(tmp_path, message):
    program = tmp_path / "program.c"

    def errors(macro):
        program.write_text(f'{SYSTEM_HEADERS}{macro}\n#include "ps_io.h"\n#include "ps_meta.h"\n')
        defined = ["-D_GNU_SOURCE", "-D_FILE_OFFSET_BITS=64"]
        command = [*c_compiler(), "-std=c11", *defined, "-fsyntax-only", f"-I{CSRC}", program]
        return subprocess.run(command, capture_output=True, text=True).stderr

    assert errors("") == ""
    assert message in errors(OTHER_LAYOUTS[message])


# Fuzzing


def drive(tmp_path, target, seed):
    """The target's own driver: each of the corpus, then mutations for SECONDS. How many."""
    program = build(tmp_path / "driver", f"fuzz_{target}.c", "-DSTANDALONE")
    return int(run(program, SECONDS, seed, *sorted((CORPUS / target).iterdir())).split()[0])


@pytest.mark.parametrize("target", TARGETS)
def test_inputs_of_any_kind(tmp_path, target):
    assert drive(tmp_path, target, "1") > 1000


@pytest.fixture(scope="session")
def clang(tmp_path_factory):
    """The clang that has libFuzzer, or None."""
    found = shutil.which("clang")
    if found is None:
        return None
    source = tmp_path_factory.mktemp("clang") / "nothing.c"
    source.write_text("int LLVMFuzzerTestOneInput(void) { return 0; }\n")
    command = [found, FUZZED, "-o", source.with_suffix(""), source]
    return found if subprocess.run(command, capture_output=True).returncode == 0 else None


@pytest.mark.parametrize("target", TARGETS)
def test_libfuzzer(tmp_path, capsys, clang, target):
    if clang is None:
        if IN_CI:
            pytest.fail("there is no clang with libFuzzer: apt-get install " + PACKAGES)
        with capsys.disabled():
            print(f"\nno clang with libFuzzer: {target} by its own driver", file=sys.stderr)
        assert drive(tmp_path, target, "2") > 1000
        return
    program = compile_with([clang], tmp_path / "fuzzer", f"fuzz_{target}.c", FUZZED)
    found = Path(KEPT).absolute() / target if KEPT else tmp_path / "found"
    found.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [
            program,
            f"-max_total_time={SECONDS}",
            f"-artifact_prefix={found.parent}/{target}-",
            "-print_final_stats=1",
            "-rss_limit_mb=0",  # it is told this process's peak, which a child inherits
            found,
            CORPUS / target,
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    [runs] = re.findall(r"stat::number_of_executed_units: *(\d+)", done.stderr)
    assert int(runs) > 1000


@pytest.mark.parametrize("target", TARGETS)
def test_the_first_inputs_are_as_their_source_makes_them(target):
    for name, data in SEEDS[target].items():
        assert (CORPUS / target / name).read_bytes() == data
