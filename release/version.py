"""Compare the version with a tag: `python release/version.py v1.2.3`.

The version is written once, in pysock/__init__.py; pyproject.toml and the site read it there.
Without a tag it is printed.
"""

import ast
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "pysock" / "__init__.py"


def version():
    for statement in ast.parse(SOURCE.read_text()).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="__version__")], value=ast.Constant(value=text)):
                return text
    raise SystemExit(f"{SOURCE} has no __version__")


if sys.argv[1:] and sys.argv[1] != f"v{version()}":
    raise SystemExit(f"the tag is {sys.argv[1]}, and the version {version()}")
print(version())
