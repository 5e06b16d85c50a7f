"""What a run needs before it begins: packages in an environment of their own, servers, pysock."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import servers
from ways import ROOT, variables


def add_options(parser: argparse.ArgumentParser, each: str) -> None:
    """Those that a run has whatever it runs."""
    parser.add_argument(
        "--install", action="store_true", help="install missing servers (and where CI=true)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help=f"write every {each} there")


def prepare(
    wanted: list[str], requirements: Path, name: str, *, install: bool
) -> tuple[str, dict[str, object]]:
    """The interpreter to run, and what its pysock is. What is missing ends the program, with 2."""
    have_servers(wanted, may_install=install or os.environ.get("CI") == "true")
    python = environment_with_packages(requirements, name)
    about = about_pysock(python)
    if about["backend"] != "c" and not os.environ.get("PYSOCK_NO_EXTENSIONS"):
        print("the extension is missing: build it, or set PYSOCK_NO_EXTENSIONS=1", file=sys.stderr)
        sys.exit(2)
    return python, about


def environment_with_packages(requirements: Path, name: str) -> str:
    """The interpreter of the venv that has *requirements* in it, made where it is not."""
    home = ROOT / ".venv" / f"{name}-{sysconfig.get_config_var('LDVERSION')}"
    python, ready = home / "bin" / "python", home / ".ready"
    wanted = requirements.read_text(encoding="utf-8")
    if not ready.exists() or ready.read_text(encoding="utf-8") != wanted:
        print(f"installing {requirements.name} in {home.relative_to(ROOT)}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        install = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
        done = subprocess.run(
            [*install, "-r", requirements], check=False, stderr=subprocess.PIPE, text=True
        )
        if done.returncode:
            sys.exit(f"{done.stderr}\ncannot install {requirements}")
        ready.write_text(wanted, encoding="utf-8")
    return str(python)


def about_pysock(python: str) -> dict[str, object]:
    command = [python, "-m", "pysock", "--info", "--json"]
    done = subprocess.run(
        command, env=variables([], {}), check=False, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"pysock does not run:\n{done.stderr}")
    return json.loads(done.stdout)


def versions(python: str) -> dict[str, str]:
    code = (
        "import importlib.metadata as m, json; "
        "print(json.dumps({d.name.lower(): d.version for d in m.distributions()}))"
    )
    done = subprocess.run([python, "-I", "-c", code], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def have_servers(names: list[str], *, may_install: bool) -> None:
    absent = servers.missing(names)
    if absent and may_install:
        servers.install(absent)
        absent = servers.missing(names)
    if absent:
        print(f"missing: {' '.join(absent)} (--install installs them)", file=sys.stderr)
        sys.exit(2)
