"""docs/differences.md: each row names a test that exists, and each known difference has a row."""

import ast
import functools
import re

import pytest
from support.paths import ROOT

PAGE = ROOT / "docs" / "differences.md"
OUTSIDE = ROOT / "tests" / "outside"
HEADER = "| where | what happens | test |"
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def rows_of(text):
    """(section, its three cells) of each row of each table."""
    section = None
    for line in text.splitlines():
        if line.startswith("## "):
            section = line[3:]
        if line.startswith("|") and line != HEADER and set(line) != set("|-"):
            yield section, *[cell.strip() for cell in line.strip("|").split("|")]


ROWS = list(rows_of(PAGE.read_text(encoding="utf-8")))


@functools.cache
def functions_of(path):
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return {function.name for function in functions if function.name.startswith("test_")}


def test_every_table_has_the_same_columns():
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rules = [at for at, line in enumerate(lines) if line.startswith("|---")]
    assert len(rules) > 5 and {lines[at - 1] for at in rules} == {HEADER}
    assert len(ROWS) > 40 and {len(row) for row in ROWS} == {4}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}: {row[1]}"[:60])
def test_every_row_names_a_test_that_exists(row):
    *_, cell = row
    named = NAMED.findall(cell)
    assert named, "no test is named"
    assert ", ".join(f"`{path}::{test}`" if test else f"`{path}`" for path, test in named) == cell
    for path, test in named:
        assert (ROOT / path).is_file(), path
        if test:
            assert test in functions_of(path), f"{path}::{test}"
        else:
            assert (ROOT / path).parent == OUTSIDE / "programs", f"{path}: which of its tests?"


def test_the_programs_are_those_of_the_known_differences():
    """Those of the fallback in its section, those of C in the others."""
    known = {
        tuple(line.split(maxsplit=2)[:2])
        for line in (OUTSIDE / "known_differences.txt").read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    }
    shown = {
        ("stdlib" if section == "The fallback" else "c", path.split("/")[-1].removesuffix(".py"))
        for section, *_, cell in ROWS
        for path, test in NAMED.findall(cell)
        if not test
    }
    assert shown == known
