"""The child's side: run blocks of one row for one variant as the parent asks for them.

    python -m harness.worker VARIANT HEAP MODULE FUNCTION ROW

A line on standard input is the number of operations; the answer is a line with the
fields of ``Timed`` as a JSON list.
"""

# See the note on imports in row.py.
from __future__ import annotations

import gc
import importlib
import json
import sys

from harness.variants import open_here


def main() -> None:
    variant, heap, module, function, name = sys.argv[1:]
    if heap == "warm":
        # glibc stops mapping blocks of this size once one of them has been freed.
        bytearray(1 << 20)
    bench = getattr(importlib.import_module(module), function)
    row = next(row for row in bench.rows if row.name == name)
    gc.disable()
    with open_here(bench.body, row, variant) as run:
        print("ready", flush=True)
        for line in sys.stdin:
            timed = run(int(line))
            print(json.dumps([timed.ns, timed.passes, timed.kept]), flush=True)


if __name__ == "__main__":
    main()
