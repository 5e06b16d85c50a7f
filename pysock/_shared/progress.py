"""The progress of an interrupted call: how many bytes it has transferred.

The exception that ends the call has it in an attribute. A signal handler can raise after any
bytecode. So one bytecode must both make the system call and store its result: `record` does that.
"""


def record(results, function, *arguments):
    """Append the result of *function* to *results* in one bytecode. It must be a C function."""
    results.extend(map(function, *([argument] for argument in arguments)))


def set_progress(error, name, value):
    """Set the attribute *name* of *error* to *value*, if it can have attributes.

    This does not call the `__setattr__` of its class: a signal handler may raise an exception
    whose class refuses attributes, or runs Python code.
    """
    try:
        object.__setattr__(error, name, value)
    except AttributeError:  # no other exception: a signal handler can raise here, too
        pass
