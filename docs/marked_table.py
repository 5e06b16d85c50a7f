"""A table between two comments of a page: <!-- NAME table --> and <!-- end of the NAME table -->.

What writes the figures into the pages, and what reads them there, goes by this.
"""

import sys


def parts(path, name):
    """What stands before the table, in its place, and after it; without one the program ends."""
    before, begin, rest = path.read_text(encoding="utf-8").partition(f"<!-- {name} table -->\n")
    table, end, after = rest.partition(f"<!-- end of the {name} table -->")
    if not (begin and end):
        sys.exit(f"{path} has no {name} table")
    return before + begin, table, end + after


def read(path, name):
    return parts(path, name)[1]


def write(path, name, lines):
    before, _, after = parts(path, name)
    table = "".join(f"{line}\n" for line in lines)
    path.write_text(before + table + after, encoding="utf-8")
