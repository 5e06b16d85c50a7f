"""What inspect and dis find of the functions in Python: their source, arguments and bytecode."""

import ast
import dis
import inspect
import io
import linecache
import textwrap

from shown import plain, python_functions, say


def heading(function):
    """The name and the arguments, as the source has them."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    (definition,) = tree.body
    return f"{type(definition).__name__} {definition.name}({ast.unparse(definition.args)})"


for name, function in python_functions():
    try:
        code = function.__code__
        lines = io.StringIO()
        dis.dis(function, file=lines)
        instructions = list(dis.get_instructions(code))
        say(
            name,
            heading(function),
            plain(str(inspect.signature(function))),
            (code.co_name, code.co_argcount, code.co_kwonlyargcount, code.co_posonlyargcount),
            code.co_varnames[: code.co_argcount + code.co_kwonlyargcount],
            inspect.unwrap(function) is function,
            bool(lines.getvalue().strip()) and bool(instructions),
            instructions[-1].opname in ("RETURN_VALUE", "RETURN_CONST", "RERAISE", "RAISE_VARARGS"),
            bool(linecache.getline(code.co_filename, code.co_firstlineno)),
            inspect.getsourcefile(function) == code.co_filename,
            inspect.getmodule(function) is not None,
            sorted(set(inspect.getfullargspec(function).args)),
        )
    except Exception as error:
        say(name, type(error).__name__)
