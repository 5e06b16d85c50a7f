"""The fenced blocks of the pages that users read.

Sybil and its like run such blocks in pytest's own process, on one backend; here each is a program.
"""

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
NAMES = ("README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md")
PAGES = [*(ROOT / name for name in NAMES), *sorted((ROOT / "docs").rglob("*.md"))]

FENCED = re.compile(
    r"^(?P<indent> *)(?P<fence>`{3,}|:{3,})(?P<info>.*)\n"
    r"(?P<text>(?:.*\n)*?)(?P=indent)(?P=fence)\s*$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    page: str
    line: int  # of the first line within
    info: str
    text: str
    output: str | None = None  # what the page says that it prints

    def __str__(self):
        return f"{self.page}:{self.line}"


def found(path):
    """The blocks of a page. One of text right behind a program is what that prints."""
    page = path.read_text()
    name = path.relative_to(ROOT).as_posix()
    blocks, end = [], 0
    for match in FENCED.finditer(page):
        text = textwrap.dedent(match["text"])
        block = Block(name, page.count("\n", 0, match.start("text")) + 1, match["info"], text)
        printed = block.info == "text" and blocks and blocks[-1].info == "python"
        if printed and not page[end : match.start()].strip():
            *blocks, program = blocks
            block = Block(program.page, program.line, program.info, program.text, text)
        blocks.append(block)
        end = match.end()
    return blocks


BLOCKS = [block for path in PAGES for block in found(path)]


def of(info):
    return [block for block in BLOCKS if block.info == info]
