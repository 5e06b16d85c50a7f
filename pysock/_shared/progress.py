"""What a call that is broken off has moved: counted at once, told by its exception.

A signal's handler can raise after any bytecode, so one bytecode both makes a system call and keeps
its result: `record`.
"""


def record(results, function, *arguments):
    """Append to *results* what *function*, one of the interpreter's own, returns."""
    results.extend(map(function, *([argument] for argument in arguments)))


def set_progress(error, name, value):
    """Put *value* on an *error* that passes; one that has no place for it passes as it is.

    Its class is not asked: what a handler raises may refuse attributes, or run Python code.
    """
    try:
        object.__setattr__(error, name, value)
    except AttributeError:  # and no other: a handler can raise here, too
        pass
