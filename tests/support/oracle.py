"""Numbers to ask the standard library and pysock about, and what comes of a call of either."""

import enum


class Index:
    def __init__(self, value):
        self.value = value

    def __index__(self):
        return self.value


class Seven(enum.IntEnum):
    SEVEN = 7


NUMBERS = [
    0, 1, 7, -1, -(2**31), 2**31, 2**63, -(2**63) - 1, 2**80, 1.5, "1", b"1", None, [], True,
    Index(3), Index(-3), Index(2**70), Seven.SEVEN, float("nan"),
]  # fmt: skip


def outcome(call):
    """What *call* does, as something that can be compared."""
    try:
        result = call()
    except OSError as error:
        return type(error), error.errno, str(error)
    except Exception as error:
        return type(error), None, str(error)
    return "returned", result
