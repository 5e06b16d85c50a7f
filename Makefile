# make demo    build, then run the main job on real servers and clients
# make test    build, then every test: the suite on both backends, and CPython's own socket tests
#
# PYTHON chooses the interpreter; each has a virtual environment of its own under .venv.

PYTHON ?= python3
VERSION := $(shell $(PYTHON) -c 'import sysconfig; print(sysconfig.get_config_var("LDVERSION"))')
VENV := .venv/$(VERSION)
RUN := $(VENV)/bin/python
READY := $(VENV)/.ready
DOCS_READY := $(VENV)/.docs-ready
BROWSER_READY := $(VENV)/.browser-ready

# Built in place, and found there: an editable install would be found by the tests of installing, too.
export PYTHONPATH := $(CURDIR)

# Processes that share the suite, and what else pytest is told.
JOBS ?= 4
SUITE ?=
# What the conformance is told: make conformance CONFORMANCE="--backend c --module test_socket"
CONFORMANCE ?=

# Of each fuzz target; and where new inputs go: tests/csrc/corpus for those that shall stay.
FUZZ_SECONDS ?= 600
FUZZ_CORPUS ?= $(or $(TMPDIR),/tmp)/$(notdir $(CURDIR))-corpus

.PHONY: build demo test suite conformance sanitize sanitize-quick suite-debug fuzz fuzz-python leaks soak trust compat compat-suites programs outside-tools bench ports-csrc ports ports-all guard guard-programs docs docs-check lint stubs wheels format clean

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(RUN) -m pip install --quiet --disable-pip-version-check --group dev
	touch $@

$(DOCS_READY): pyproject.toml $(READY)
	$(RUN) -m pip install --quiet --disable-pip-version-check --group docs
	touch $@

$(BROWSER_READY): pyproject.toml $(READY)
	$(RUN) -m pip install --quiet --disable-pip-version-check --group browser
	touch $@

build: $(READY)
	$(RUN) setup.py --quiet build_ext --inplace
	$(RUN) -m pysock --info

demo: build
	$(RUN) examples/demo.py

test: suite conformance

# Most tests wait for something: several processes of them, a file in each, take half the time.
# Timeouts and races on a busy machine: what fails is run once more, in plain sight, and counts then.
# A test that hangs ends as one that failed: it is told where, and does not keep the others waiting.
HANGS := -o faulthandler_timeout=300 -o faulthandler_exit_on_timeout=true
suite: build
	$(RUN) -m pytest -q -rfE -n $(JOBS) --dist loadfile $(HANGS) $(SUITE) || \
		{ echo "once more, what failed:"; $(RUN) -m pytest $(HANGS) $(SUITE) --last-failed --last-failed-no-failures none; }

conformance: build
	$(RUN) tests/conformance/run.py $(CONFORMANCE)

# clang and its run-time library, with libFuzzer; CI stands for: no other driver in its place.
fuzz: $(READY)
	CI=1 PYSOCK_FUZZ_SECONDS=$(FUZZ_SECONDS) PYSOCK_FUZZ_CORPUS=$(FUZZ_CORPUS) \
	    $(RUN) -m pytest tests/csrc/test_csrc.py -k libfuzzer

# What CI does for some hundred calls, for as many as the README says.
leaks: build
	PYSOCK_LEAK_CALLS=100000 $(RUN) -m pytest tests/stress/leaks

# Ten minutes for each leg, from a seed of its own, which a failure names.
fuzz-python: build
	PYSOCK_FUZZ_SECONDS=$${PYSOCK_FUZZ_SECONDS:-600} PYSOCK_FUZZ_SEED=$${PYSOCK_FUZZ_SEED:-$$(date +%s)} \
		$(RUN) -m pytest -s tests/stress/fuzz

# Servers under load, with the figures; SOAK_SECONDS for each leg.
soak: build
	SOAK_SECONDS=$${SOAK_SECONDS:-600} $(RUN) -m pytest -s tests/stress/soak

# What was tried, how much of it, what was found: the table of docs/trust.md. What `make sanitize suite-debug`
# left behind counts, too.
trust: build
	$(RUN) -m pytest -q -o junit_family=xunit1 --junitxml=build/trust.xml \
		tests/stress tests/csrc tests/packaging/test_packaging.py \
		tests/core/test_past_flaws.py tests/core/test_interpreters.py tests/core/test_shared*.py \
		tests/io/test_transfer.py tests/io/test_short_send.py tests/io/test_zerocopy*.py \
		tests/selectors/test_selector.py
	$(RUN) tests/stress/figures.py build/trust.xml $(wildcard build/asan.xml build/debug.xml) docs/trust.md

# On builds of their own, elsewhere: the suite and CPython's tests under the sanitizers; the suite with
# asserts, the debugging allocator, development mode, and every warning an error.
sanitize: $(READY)
	tests/stress/sanitizers/run.sh asan $(RUN)

suite-debug: $(READY)
	tests/stress/sanitizers/run.sh debug $(RUN) suite

# For a slow machine's CI, or while one works: the C leg alone, and test_socket.
sanitize-quick: $(READY)
	tests/stress/sanitizers/run.sh asan $(RUN) quick
	tests/stress/sanitizers/run.sh debug $(RUN) quick

# Real programs and real servers. COMPAT passes options on: make compat COMPAT="--quick --install"
compat: build
	$(RUN) tests/compat/run.py $(COMPAT)

# The same programs counted, and not timed: the tables of docs/programs.md. PROGRAMS passes options on:
# make programs PROGRAMS="--only redis_py"
programs: build
	$(RUN) tests/compat/count.py $(PROGRAMS)

# Other projects' own tests, on both: make compat-suites SUITES="--only urllib3 redis"
compat-suites: build
	$(RUN) tests/compat/suites.py $(SUITES)

# Every row, and all tables and pictures that are made of them.
RESULTS := benchmarks/results
bench: build
	mkdir -p $(RESULTS)
	$(RUN) -m pytest benchmarks --benchmark-json=$(RESULTS)/latest.json
	$(RUN) benchmarks/loops.py --rounds 9 --json $(RESULTS)/loops.json
	$(RUN) benchmarks/tls.py --rounds 9 --json $(RESULTS)/tls.json
	$(RUN) benchmarks/scaling.py --json $(RESULTS)/scaling.json
	$(RUN) benchmarks/tables.py $(RESULTS)
	$(RUN) benchmarks/picture.py $(RESULTS)
	$(RUN) benchmarks/imports.py

# What tests/outside tries beside its own programs: profilers, guards and APM agents, pinned.
outside-tools: $(READY)
	$(RUN) tests/outside/install_tools.py

# Instructions, not seconds: what a change costs, whatever else the machine does. And the modules that
# an import brings.
guard: build
	$(RUN) benchmarks/instructions.py
	$(RUN) benchmarks/imports.py --guard

# Five whole programs: what a request costs, compared with the committed table.
guard-programs: build
	$(RUN) tests/compat/count.py --guard

# The site, in build/docs/html; a warning is an error, and so is a reference to nothing.
docs: build $(DOCS_READY)
	$(RUN) -m sphinx -b html -W --keep-going -n -q -d build/docs/doctrees docs build/docs/html
	@echo "build/docs/html/index.html"

# Every page of the site in a headless chromium, narrow and wide, light and dark: nothing overflows, no
# picture is missing, search finds.
SCREENSHOTS ?= build/docs/screenshots
docs-check: docs $(BROWSER_READY)
	$(RUN) tests/docs/browser.py build/docs/html $(SCREENSHOTS)

lint: $(READY)
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(VENV)/bin/clang-format --dry-run --Werror $(wildcard csrc/*.[ch] pysock/_compiled/*/*.h benchmarks/c/*.[ch] tests/csrc/*.[ch] tests/compat/counting/*.c tests/stress/faults/*.c tests/stress/sanitizers/*.c)
	$(CC) -std=c11 -O2 -D_FORTIFY_SOURCE=3 -fstack-protector-strong -Wall -Wextra -Wconversion -Wformat=2 -Werror -fsyntax-only $(wildcard csrc/*.c)

stubs: build
	$(RUN) -c 'import asyncio; from mypy.stubtest import main; raise SystemExit(main())' pysock --mypy-config-file pyproject.toml --ignore-missing-stub --ignore-unused-allowlist --allowlist tests/packaging/stubtest-allowlist.txt
	$(RUN) -m mypy --config-file pyproject.toml --exclude 'vendored_service|gunicorn_worker' examples tests/packaging/typed

# The files of a release, in dist/. PYTHONS chooses the interpreters: all that are found.
wheels: $(READY)
	$(RUN) -m pip install --quiet --disable-pip-version-check --group wheels
	$(RUN) release/wheels.py

# csrc's tests for other machines; the suite and CPython's own tests on i386 and on the newest
# interpreters, in Debian roots; and all of them on emulated machines. It takes minutes; half an
# hour; hours. What cannot be tried here is named, and is no success.
PORTS ?=
ports-csrc: $(READY)
	$(RUN) release/ports/run.py csrc

ports: build
	$(RUN) release/ports/run.py csrc i386 3.14 3.14t 3.15 $(PORTS)

ports-all: build
	$(RUN) release/ports/run.py csrc i386 3.14 3.14t 3.15 aarch64 s390x $(PORTS)

format: $(READY)
	$(RUN) -m ruff format .
	$(RUN) -m ruff check --fix .
	$(VENV)/bin/clang-format -i $(wildcard csrc/*.[ch] pysock/_compiled/*/*.h benchmarks/c/*.[ch] tests/csrc/*.[ch] tests/compat/counting/*.c tests/stress/faults/*.c tests/stress/sanitizers/*.c)

clean:
	rm -rf .venv build dist *.egg-info pysock/*.so pysock/_compiled/*.so
