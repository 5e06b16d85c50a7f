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
from types import CodeType, FunctionType

from ..._shared import PACKAGE, original
from . import epoll, overrides


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


def _in_front_of(c_function):
    """The Python function for *c_function*, with the names and defaults of the running Python."""
    method = getattr(original.EpollSelector, c_function.__name__)
    if not overrides.is_unpatched():
        return method
    theirs = method.__code__
    line, column, end_column = _place_of_call(method)
    name, parameters = method.__name__, ", ".join(theirs.co_varnames[: theirs.co_argcount])
    call = f"_c_{name}({parameters}".ljust(end_column - column - 1)
    source = [
        f"def {name}({parameters}):",
        *[""] * (line - theirs.co_firstlineno - 1),
        f"{' ' * max(column - len('return '), 1)}return {call})",
    ]
    module = compile("\n".join(source), theirs.co_filename, "exec", dont_inherit=True)
    code = next(each for each in module.co_consts if isinstance(each, CodeType))
    code = code.replace(co_firstlineno=theirs.co_firstlineno)  # its lines are counted from there
    if hasattr(code, "co_qualname"):  # since Python 3.11
        code = code.replace(co_qualname=theirs.co_qualname)
    # The frame's globals are those of the module that its file name says, and the C function.
    function = FunctionType(code, {**vars(selectors), f"_c_{name}": c_function}, name)
    function.__defaults__ = method.__defaults__
    function.__kwdefaults__ = method.__kwdefaults__
    function.__qualname__ = method.__qualname__
    function.__doc__ = c_function.__doc__
    function.__module__ = PACKAGE
    return function


register = _in_front_of(epoll.register)
unregister = _in_front_of(epoll.unregister)
modify = _in_front_of(epoll.modify)
select = _in_front_of(epoll.select)
