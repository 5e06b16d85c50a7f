"""The site: `make docs`. Pages are MyST Markdown; the reference comes from the docstrings.

What the pages would otherwise copy is taken from where it is kept: figures from rows.md (the role
`ratio`), signatures and meaning from the built package.
"""

import re
import sys
from pathlib import Path

from docutils import nodes

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

from marked_table import read  # noqa: E402

import pysock  # noqa: E402  # the one that was built here

if pysock.BACKEND != "c":
    raise RuntimeError("the reference is the C backend's: build it first (make build)")

project = "pysock"
author = "the pysock developers"
copyright = author
version = release = pysock.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton", "sphinx_design"]
exclude_patterns = []
html_theme = "furo"
pygments_dark_style = "github-dark"
html_title = f"pysock {release}"
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
copybutton_prompt_text = "$ "
smartquotes = False  # b"" is to be copied
html_show_sphinx = False
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist"]

# `recv` in a docstring is a link where there is such a name here, and code where there is none.
default_role = "py:obj"
nitpick_ignore_regex = [("py:obj", ".*")]

FIRST_LINE = re.compile(r"(?P<name>\w+)(?P<arguments>\(.*?\))(?: -> (?P<result>.+))?")
MAN_PAGE = re.compile(r"(?P<page>\w+)\((?P<section>\d)\)")


def ratios():
    """What each operation's ratio is, by its title."""
    table = read(ROOT / "docs" / "rows.md", "benchmark")
    cells = [[cell.strip() for cell in line.split("|")] for line in table.splitlines()[2:]]
    return {title: ratio.strip("*") for _, title, ratio, *_ in cells}


def ratio(name, rawtext, text, lineno, inliner, options=None, content=None):
    """`` {ratio}`row` ``: the figure of that row of rows.md, as it is now."""
    try:
        return [nodes.strong(rawtext, ratios()[text])], []
    except KeyError:
        message = inliner.reporter.error(f"rows.md has no row {text!r}", line=lineno)
        return [inliner.problematic(rawtext, rawtext, message)], [message]


def first_line(documented):
    """What a C function's docstring begins with, in the place of a signature."""
    lines = (getattr(documented, "__doc__", None) or "").splitlines()
    match = FIRST_LINE.fullmatch(lines[0].strip()) if lines else None
    name = getattr(documented, "__name__", "")
    return match if match and match["name"] == name else None


def signature(app, what, name, documented, options, given, returned):
    """Show `recv(bufsize[, flags])`, as the docstring has it, and an Ellipsis as it is written."""
    if match := first_line(documented):
        return match["arguments"], None
    return given and re.sub("Ellipsis|<object object>", "...", given), None


def returns(app, what, name, documented, options, lines):
    """What a docstring's first line says of the result goes where a reader of a site looks."""
    if (match := first_line(documented)) and match["result"]:
        lines += [f":returns: {match['result']}", ""]
    # The module of that name, not the class here; and b"\\n" is no escape of reST's.
    lines[:] = [line.replace("\\", "\\\\").replace("`socket`", "``socket``") for line in lines]


def man_page(app, env, node, contnode):
    """`recv(2)` is a link to that page."""
    if match := MAN_PAGE.fullmatch(node.get("reftarget", "")):
        page, section = match["page"], match["section"]
        uri = f"https://man7.org/linux/man-pages/man{section}/{page}.{section}.html"
        return nodes.reference("", "", contnode, internal=False, refuri=uri)
    return None


def setup(app):
    app.add_role("ratio", ratio)
    app.connect("autodoc-process-signature", signature)
    app.connect("autodoc-process-docstring", returns)
    app.connect("missing-reference", man_page)
    return {"parallel_read_safe": True}
