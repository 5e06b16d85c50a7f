"""Run a program with pysock in place of `socket`, or print information about this pysock."""

import importlib
import io
import os
import pkgutil
import runpy
import signal
import sys
from importlib.machinery import BuiltinImporter, SourceFileLoader, SourcelessFileLoader
from importlib.util import MAGIC_NUMBER
from types import CodeType

package = importlib.import_module(__package__)

USAGE = f"""\
usage:
    python -m {__package__} script.py args...            as `python script.py args...`
    python -m {__package__} -m module args...            as `python -m module args...`
    python -m {__package__} -c code args...              as `python -c code args...`
    python -m {__package__} - args...                    as `python - args...`, by standard input
    python -m {__package__} --profile script.py args...  so, and say what its sockets have done
    python -m {__package__} --profile --json[=FILE] ...  so, as JSON, to stderr or to the file
    python -m {__package__} --info [--json]              the backend, versions, capabilities
    python -m {__package__} --bench [--quick] [--json]   its speed beside `socket` on this machine
    python -m {__package__} --bench --svg FILE ...       so, and draw a picture of it into the file
    python -m {__package__} --help                       this text
options of the interpreter come first: python -X dev -m {__package__} script.py"""

# The options that run no program, and the flags that they accept.
FLAGS = {"--info": ["--json"], "--bench": ["--quick", "--json", "--svg"], "--help": [], "-h": []}

# The names that the interpreter itself sets in `__main__`.
INTERPRETER_NAMES = ("__name__", "__builtins__", "__annotations__")


def clear_main():
    """Remove this module's names from `__main__`; return its namespace for the program."""
    namespace = vars(sys.modules["__main__"])
    for name in [name for name in namespace if name not in INTERPRETER_NAMES]:
        del namespace[name]
    return namespace


def run_module(name, *, alter_argv=True):
    run = runpy._run_module_as_main  # the interpreter runs -m with it, too
    clear_main()
    run(name, alter_argv)


def run_code(code, **names):
    """Execute *code* in the real `__main__` module, which multiprocessing's children look up."""
    namespace = clear_main()
    namespace.update(__doc__=None, __package__=None, __spec__=None, **names)
    exec(code, namespace)


def run_script(path):
    if pkgutil.get_importer(path) is not None:  # a directory or a zip file
        sys.path.insert(0, absolute(path))
        package.install()
        run_module("__main__", alter_argv=False)
        return
    path = absolute(path)
    try:
        with io.open_code(path) as file:
            source = file.read()
    except OSError as error:
        cannot("open", path, error)
    search_first(os.path.dirname(os.path.realpath(path)))
    package.install()
    loader = SourceFileLoader
    if path.endswith(".pyc") or source.startswith(MAGIC_NUMBER):
        loader = SourcelessFileLoader
        code = compiled(source)
    else:
        code = compile(source, path, "exec", dont_inherit=True)
    run_code(code, __file__=path, __loader__=loader("__main__", path), **cached())


def absolute(path):
    """Return the absolute *path* in the form that the interpreter itself uses."""
    if path in ("", ".") and sys.version_info >= (3, 11):
        return os.getcwd()
    return os.path.join(os.getcwd(), path)


def compiled(data):
    """Return the code object in *data*, the content of a .pyc file."""
    if not data.startswith(MAGIC_NUMBER):
        sys.exit("RuntimeError: Bad magic number in .pyc file")
    code = pkgutil.read_code(io.BytesIO(data))
    if not isinstance(code, CodeType):
        sys.exit("RuntimeError: Bad code object in .pyc file")
    return code


def run_stdin():
    source = sys.stdin.buffer.read() if sys.stdin else b""
    search_first("")
    package.install()
    code = compile(source, "<stdin>", "exec", dont_inherit=True)
    run_code(code, __file__="<stdin>", __loader__=BuiltinImporter, **cached())


def cached():
    return {"__cached__": None} if "__cached__" in globals() else {}  # removed in Python 3.15


def search_first(directory):
    if not safe_path():
        sys.path.insert(0, directory)


def safe_path():
    """Whether `-P` or `-I` is set: then no directory of the user is added to `sys.path`."""
    return getattr(sys.flags, "safe_path", sys.flags.isolated)  # new in Python 3.11


def fail(message):
    print(f"{sys.executable} -m {package.__name__}: {message}", file=sys.stderr)
    sys.exit(2)


def cannot(act, path, error):
    fail(f"can't {act} file {path!r}: [Errno {error.errno}] {error.strerror}")


def explain_flag(flag):
    """Return a message for a flag without its option; '' if *flag* is no such flag."""
    options = " or ".join(option for option, flags in FLAGS.items() if flag in flags)
    return options and f"{flag} goes with {options}"


def info(**options):
    from ._cli import info  # not at the top: a program must not find it in sys.modules

    info.run(**options)


def bench(path, **options):
    from ._cli import bench, info, output

    if path is None:
        bench.run(info.about(), **options)
        return
    try:
        with output.written(path) as draw:
            bench.run(info.about(), draw=draw, **options)
    except output.Failed as failure:
        cannot("write", path, failure.__cause__)


def without_picture(arguments):
    """Return the arguments of --bench without `--svg FILE` or `--svg=FILE`; and the file."""
    if arguments[:1] != ["--bench"]:
        return arguments, None
    for at, argument in enumerate(arguments):
        flag, given, path = argument.partition("=")
        if flag == "--svg":
            end = at + (1 if given else 2)
            path = path or "".join(arguments[at + 1 : end])
            if not path or (path.startswith("-") and not given):
                fail(f"--svg needs the name of a file\n{USAGE}")
            return arguments[:at] + arguments[end:], path
    return arguments, None


def profiled(arguments):
    """Begin the profile that *arguments* ask for, if they do; return those of the program.

    It has returned before the program runs: a traceback has the same frames as without a profile.
    """
    if arguments[:1] != ["--profile"]:
        return arguments
    flag, given, path = (arguments[1:] or [""])[0].partition("=")
    as_json = flag == "--json"
    rest = arguments[2:] if as_json else arguments[1:]
    if as_json and given and not path:
        fail(f"--json= needs the name of a file\n{USAGE}")
    if not rest:
        fail(f"nothing to run\n{USAGE}")
    if rest[0].startswith("-") and rest[0][:2] not in ("-m", "-c", "-"):
        fail(f"--profile does not take {rest[0]!r}\n{USAGE}")
    from ._cli import profile

    try:
        profile.start(rest, as_json=as_json, path=path)
    except OSError as error:
        cannot("open", path, error)
    return rest


def run_printing(function, *arguments, **options):
    """Call *function*, which prints. After a signal, exit with the status that a shell reports."""
    try:
        function(*arguments, **options)
        if sys.stdout:
            sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except BrokenPipeError:  # as with `| head -1`. The interpreter flushes again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)


def main(arguments):
    if sys.path[:1] == [os.getcwd()] and not safe_path():
        del sys.path[0]  # the entry for `-m` of this package; the program gets its own
    arguments, picture = without_picture(profiled(arguments))
    match arguments:
        case [joined, *rest] if joined[:2] in ("-m", "-c") and joined[2:]:
            arguments = [joined[:2], joined[2:], *rest]
    match arguments:
        case [option, *rest] if wrong := set(rest).difference(FLAGS.get(option, rest)):
            fail(f"{option} does not take {min(wrong, key=rest.index)!r}\n{USAGE}")
        case ["--info", *flags]:
            run_printing(info, as_json="--json" in flags)
        case ["--bench", *flags]:
            run_printing(bench, picture, quick="--quick" in flags, as_json="--json" in flags)
        case ["-h" | "--help"]:
            run_printing(print, USAGE)
        case ["-m", name, *rest]:
            sys.argv = ["-m", *rest]
            search_first(os.getcwd())
            package.install()
            run_module(name)
        case ["-c", command, *rest]:
            sys.argv = ["-c", *rest]
            search_first("")
            package.install()
            code = compile(command, "<string>", "exec", dont_inherit=True)
            run_code(code, __loader__=BuiltinImporter)
        case ["-", *_]:
            sys.argv = arguments
            run_stdin()
        case [path, *rest] if not path.startswith("-"):
            sys.argv = [path, *rest]
            run_script(path)
        case ["-m" | "-c" as option]:
            fail(f"argument expected for the {option} option\n{USAGE}")
        case [option, *_]:
            fail(f"{explain_flag(option) or f'unknown option: {option}'}\n{USAGE}")
        case _:
            fail(f"nothing to run\n{USAGE}")


if __name__ == "__main__":
    main(sys.argv[1:])
