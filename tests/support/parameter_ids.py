"""Names of parameters that are the same in every process: tests run in several at once."""

import re


def shown(value):
    """`repr`, without the address in memory that an object's may have."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))
