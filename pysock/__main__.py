"""Run an unchanged program with pysock in the place of `socket`, or say what this pysock is."""

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
    python -m {__package__} --info [--json]              the backend, versions, capabilities
    python -m {__package__} --bench [--quick] [--json]   its speed beside `socket` on this machine
    python -m {__package__} --help                       this text
options of the interpreter come first: python -X dev -m {__package__} script.py"""

# What may follow the options that run no program.
FLAGS = {"--info": ["--json"], "--bench": ["--quick", "--json"], "--help": [], "-h": []}

# What the interpreter gives to `__main__`, whatever runs there.
PROGRAMS_OWN = ("__name__", "__builtins__", "__annotations__")


def hand_over_main():
    """Return `__main__`'s namespace, the program's from here on, without this module's names."""
    namespace = vars(sys.modules["__main__"])
    for name in [name for name in namespace if name not in PROGRAMS_OWN]:
        del namespace[name]
    return namespace


def run_module(name, *, alter_argv=True):
    run = runpy._run_module_as_main  # the interpreter's own way to run -m
    hand_over_main()
    run(name, alter_argv)


def run_code(code, **names):
    """Execute *code* as the program: in the real `__main__`, which spawned processes look for."""
    namespace = hand_over_main()
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
        fail(f"can't open file {path!r}: [Errno {error.errno}] {error.strerror}")
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
    """Return *path* from the root on, spelled as the interpreter spells it."""
    if path in ("", ".") and sys.version_info >= (3, 11):
        return os.getcwd()
    return os.path.join(os.getcwd(), path)


def compiled(data):
    """Return the code object of a compiled file with the content *data*."""
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
    return {"__cached__": None} if "__cached__" in globals() else {}  # gone in Python 3.15


def search_first(directory):
    if not safe_path():
        sys.path.insert(0, directory)


def safe_path():
    """Whether the interpreter was told to search no directory that could be anybody's."""
    return getattr(sys.flags, "safe_path", sys.flags.isolated)  # the flag is new in Python 3.11


def fail(message):
    print(f"{sys.executable} -m {package.__name__}: {message}", file=sys.stderr)
    sys.exit(2)


def misplaced(flag):
    """What to say of a flag that stands alone, or nothing if it is none."""
    options = " or ".join(option for option, flags in FLAGS.items() if flag in flags)
    return options and f"{flag} goes with {options}"


def info(**options):
    from ._cli import info  # not before: programs find in sys.modules what they imported

    info.run(**options)


def bench(**options):
    from ._cli import bench, info

    bench.run(info.about(), **options)


def say(function, *arguments, **options):
    """Call what prints. Statuses are what a shell says of a program that the signal ended."""
    try:
        function(*arguments, **options)
        if sys.stdout:
            sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except BrokenPipeError:  # of `| head -1`; and the exit flushes once more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)


def main(arguments):
    if sys.path[:1] == [os.getcwd()] and not safe_path():
        del sys.path[0]  # put there for `-m` of this package; the program gets its own entry
    match arguments:
        case [joined, *rest] if joined[:2] in ("-m", "-c") and joined[2:]:
            arguments = [joined[:2], joined[2:], *rest]
    match arguments:
        case [option, *rest] if wrong := set(rest).difference(FLAGS.get(option, rest)):
            fail(f"{option} does not take {min(wrong, key=rest.index)!r}\n{USAGE}")
        case ["--info", *flags]:
            say(info, as_json="--json" in flags)
        case ["--bench", *flags]:
            say(bench, quick="--quick" in flags, as_json="--json" in flags)
        case ["-h" | "--help"]:
            say(print, USAGE)
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
            fail(f"{misplaced(option) or f'unknown option: {option}'}\n{USAGE}")
        case _:
            fail(f"nothing to run\n{USAGE}")


if __name__ == "__main__":
    main(sys.argv[1:])
