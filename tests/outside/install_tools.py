"""The environment of the tools in requirements.txt: `make outside-tools` makes it."""

import functools
import json
import subprocess
import sys
import sysconfig
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
NAME = "outside"
PYTHON = ROOT / ".venv" / f"{NAME}-{sysconfig.get_config_var('LDVERSION')}" / "bin" / "python"


@functools.cache
def installed_tools():
    """The interpreter that has them, and the versions of all that is installed there."""
    if not PYTHON.exists():
        return str(PYTHON), {}
    code = (
        "import importlib.metadata as m, json; "
        "print(json.dumps({d.name.lower(): d.version for d in m.distributions()}))"
    )
    done = subprocess.run([PYTHON, "-I", "-c", code], check=True, capture_output=True, text=True)
    return str(PYTHON), json.loads(done.stdout)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "tests" / "compat"))
    from environment import environment_with_packages

    environment_with_packages(HERE / "requirements.txt", NAME)
    print(*(f"{name} {version}" for name, version in installed_tools()[1].items()), sep="\n")
