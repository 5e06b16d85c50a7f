#!/usr/bin/env bash
# The suite, and CPython's tests, on a build of its own, in a copy of the tree:
#
#     tests/stress/sanitizers/run.sh asan|debug PYTHON [all|suite|conformance|quick] [pytest's arguments]
#
# asan: what users build, under AddressSanitizer and UndefinedBehaviorSanitizer, every allocation on
# malloc. Leaks are tests/stress/leaks' affair: the interpreter keeps too much for LeakSanitizer.
# debug: with asserts and without optimisation, under PYTHONDEVMODE, the debugging allocator, and
# every warning an error.
# quick: the C leg alone, and of CPython's tests test_socket.
set -euo pipefail
mode="$1" python="$(realpath -s "$2")" what="${3:-all}"
shift $(($# < 3 ? $# : 3))
root="$(cd "$(dirname "$0")/../../.." && pwd)"
copy="$(mktemp -d)"
trap 'rm -rf "$copy"' EXIT

cd "$root"
git ls-files -coz --exclude-standard | while IFS= read -r -d '' name; do
    [ -e "$name" ] && printf '%s\0' "$name"
done | xargs -0 cp --parents -t "$copy"
cd "$copy"
export PYSOCK_REQUIRE_EXTENSIONS=1 PYTHONPATH="$copy"

# Not those that build, install, time or count: they have compilers and valgrind of their own.
skipped=(--ignore tests/packaging --ignore tests/csrc --ignore tests/cli/test_bench.py
    --ignore tests/cli/test_profile.py --ignore tests/cli/test_profile_hints.py
    --ignore tests/asyncio/test_executor.py --ignore tests/compat/test_count.py
    --ignore tests/docs/test_examples.py --ignore tests/stress/leaks --ignore tests/stress/sanitizers
    --ignore tests/outside)

# setup.py compiles on all cores by itself.
case "$mode" in
asan)
    cc="${CC:-cc}"
    flags="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"
    CFLAGS="$flags -O1 -g -DNDEBUG" LDFLAGS="$flags" \
        "$python" setup.py --quiet build_ext --inplace
    LD_PRELOAD="$("$cc" -print-file-name=libasan.so) $("$cc" -print-file-name=libubsan.so)"
    ASAN_OPTIONS="detect_leaks=0:allocator_may_return_null=1:strict_string_checks=1:abort_on_error=1"
    export LD_PRELOAD ASAN_OPTIONS PYTHONMALLOC=malloc UBSAN_OPTIONS=print_stacktrace=1
    # The sanitizer's own ppoll(2) goes around the shim that makes it fail.
    skipped+=(--deselect
        "tests/stress/faults/test_faults.py::test_the_exception_is_the_standard_librarys[c-failing maker]")
    # It keeps for a while what is freed, so that the process grows.
    skipped+=(--deselect tests/asyncio/test_tls_floods.py::test_key_updates)
    ;;
debug)
    PYSOCK_DEBUG_BUILD=1 "$python" setup.py --quiet build_ext --inplace
    export PYTHONMALLOC=debug PYTHONDEVMODE=1
    # A debug build shows lines of the C layer in a traceback.
    skipped+=(--deselect "tests/core/test_tracebacks.py::test_a_traceback_shows_no_line_of_pysocks[c-"
        --deselect "tests/core/test_tracebacks.py::test_a_traceback_with_a_frame_more[c-"
        --deselect tests/selectors/test_selector_kinds.py::test_a_traceback_is_the_same
        --deselect tests/asyncio/test_asyncio_programs.py::test_a_program_prints_the_same)
    ;;
*)
    echo "asan or debug, not $mode" >&2
    exit 2
    ;;
esac

suite=(-n "${JOBS:-4}" --dist loadfile) conformance=()
if [ "$what" = quick ]; then
    suite+=(--only-extensions)
    # These run programs of Python; what is in C there, other folders call as well.
    skipped+=(--ignore tests/docs --ignore tests/cli --ignore tests/compat --ignore tests/conformance)
    conformance+=(--backend c --module test_socket --jobs 3)
fi
if [ "$what" != conformance ]; then
    # Not -W error: what the tests start, the processes of xdist among them, would not inherit it.
    export PYTHONWARNINGS=error
    # As in the Makefile: what a busy machine made too late is run once more, in plain sight.
    "$python" -m pytest -q -o junit_family=xunit1 --junitxml "$root/build/$mode.xml" \
        "${suite[@]}" "${skipped[@]}" "${@:-tests}" || {
        echo "once more, what failed:"
        "$python" -m pytest --last-failed --last-failed-no-failures none "${skipped[@]}" "${@:-tests}"
    }
    unset PYTHONWARNINGS
fi
if [ "$what" != suite ]; then
    "$python" tests/conformance/run.py "${conformance[@]}"
fi
