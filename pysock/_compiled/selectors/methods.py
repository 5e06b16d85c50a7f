"""EpollSelector's methods as Python functions: a frame of one line in front of each C function.

A method of `selectors.EpollSelector` is a Python function, so tools mock it, trace it, and copy or
rewrite its code. They can do that with these functions, too. The frames are those of the standard
library: watchdogs and samplers know an idle event loop by the frame `select` of `selectors.py` on
top of the stack. So the code has the file name of that module, and the line and columns at which
the standard library's method calls the kernel. A sampler, `faulthandler` and the traceback of a
KeyboardInterrupt then show what they show without pysock. The line is not what runs: it says what
the C function does. `inspect.getsource` shows the standard library's method as well.
"""

import selectors
import sys
from types import FunctionType

from ..._shared import PACKAGE, original
from . import epoll, overrides, registration


class _Reached(Exception):
    """The standard library's method has come to the call of the kernel."""


class _Epoll:
    """Stands in for `select.epoll`, and finds out where it is called."""

    def poll(self, *arguments):
        raise _Reached

    register = unregister = modify = poll


# Arguments for a selector with 0 registered for reading, so that the method calls the kernel.
_ARGUMENTS = {
    "register": (1, selectors.EVENT_READ),
    "unregister": (0,),
    "modify": (0, selectors.EVENT_WRITE),
    "select": (0,),
}


def _place_of_call(method):
    """The line, the first and the last column of *method*'s call of the kernel.

    The columns are 0 if the interpreter does not have them.
    """
    selector = object.__new__(original.EpollSelector)
    key = original.SelectorKey(0, 0, selectors.EVENT_READ, None)
    vars(selector).update(_fd_to_key={0: key}, _selector=_Epoll())
    code = method.__code__
    try:
        method(selector, *_ARGUMENTS[method.__name__])
    except _Reached as error:
        place = error.__traceback__.tb_next
        if hasattr(code, "co_positions"):  # since Python 3.11
            line, end_line, column, end_column = list(code.co_positions())[place.tb_lasti // 2]
            if line == end_line and column:
                return line, column, end_column
        return place.tb_lineno, 0, 0


_CO_METHOD = 0x8000000  # since Python 3.14: the function stands in a class

# Their global is another one for each: see below.
_c_function = None


def _register(self, fileobj, events, data=None):
    return _c_function(self, fileobj, events, data)


def _unregister(self, fileobj):
    return _c_function(self, fileobj)


def _modify(self, fileobj, events, data=None):
    return _c_function(self, fileobj, events, data)


def _select(self, timeout=None):
    return _c_function(self, timeout)


def _varint(number):
    """*number* in groups of six bits, the lowest first; all but the last have the bit 64."""
    groups = []
    while number > 63:
        groups.append(64 | number & 63)
        number >>= 6
    return [*groups, number]


def _line_table(code, line, column, end_column):
    """The table that says that all of *code* stands in *line*, counted from its first one."""
    units = len(code.co_code) // 2
    if sys.version_info < (3, 11):  # CPython's Objects/lnotab_notes.txt
        return bytes([2 * units, line])
    # CPython's Objects/locations.md: an entry for at most eight units, in the long form, which has
    # the difference of the line, signed, of the last line, and the columns.
    table = []
    for at in range(0, units, 8):
        table.append(0x80 | 14 << 3 | min(units - at, 8) - 1)
        table += [*_varint((0 if at else line) << 1), 0]
        table += [*_varint(column + 1), *_varint(end_column + 1)]
    return bytes(table)


def _in_front_of(c_function, ours):
    """*ours*, which calls *c_function*, with the names and the place of the running Python's."""
    method = getattr(original.EpollSelector, c_function.__name__)
    if not (overrides.is_unpatched() and overrides.has_original_code()):
        return method
    theirs = method.__code__
    line, column, end_column = _place_of_call(method)
    name = f"_c_{method.__name__}"
    code = ours.__code__
    code = code.replace(
        co_flags=code.co_flags | theirs.co_flags & _CO_METHOD,
        co_name=theirs.co_name,
        co_filename=theirs.co_filename,
        co_firstlineno=theirs.co_firstlineno,
        co_linetable=_line_table(code, line - theirs.co_firstlineno, column, end_column),
        co_names=tuple(name if each == "_c_function" else each for each in code.co_names),
        co_varnames=theirs.co_varnames[: theirs.co_argcount],
    )
    if hasattr(code, "co_qualname"):  # since Python 3.11
        code = code.replace(co_qualname=theirs.co_qualname)
    # The frame's globals are those of the module that its file name says, and the C function.
    function = FunctionType(code, {**vars(selectors), name: c_function}, method.__name__)
    function.__defaults__ = method.__defaults__
    function.__kwdefaults__ = method.__kwdefaults__
    function.__qualname__ = method.__qualname__
    function.__doc__ = c_function.__doc__
    function.__module__ = PACKAGE
    return function


register = _in_front_of(registration.register, _register)
unregister = _in_front_of(registration.unregister, _unregister)
modify = _in_front_of(registration.modify, _modify)
select = _in_front_of(epoll.select, _select)
