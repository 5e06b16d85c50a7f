"""SECURITY.md: every test that it names exists."""

import ast
import re

from support.paths import ROOT

NAMED = re.findall(r"`(tests/\w+(?:/\w+)*\.py)::(\w+)`", (ROOT / "SECURITY.md").read_text())


def test_every_test_that_is_named_exists():
    assert len(NAMED) > 15
    for path, name in NAMED:
        functions = [
            node.name
            for node in ast.walk(ast.parse((ROOT / path).read_text()))
            if isinstance(node, ast.FunctionDef)
        ]
        assert name in functions, f"{path}::{name}"
