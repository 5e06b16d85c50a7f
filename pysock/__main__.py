"""Run an unchanged program with pysock in the place of `socket`, or say what this pysock is.

    python -m pysock script.py args...      as `python script.py args...`
    python -m pysock -m module args...      as `python -m module args...`
    python -m pysock -c code args...        as `python -c code args...`
    python -m pysock --info                 the backend, versions
"""

import importlib
import io
import os
import platform
import runpy
import sys

package = importlib.import_module(__package__)

USAGE = __doc__.replace("pysock", __package__)


def run_module(name, arguments):
    sys.argv = [name, *arguments]
    sys.path.insert(0, os.getcwd())
    # The interpreter's own way to run -m: in the real __main__, with sys.argv[0] set to the file.
    runpy._run_module_as_main(name)


def run_code(code, filename, search_path):
    """Execute *code* as the program: in the real __main__, which spawned processes look for."""
    sys.path.insert(0, search_path)
    main = sys.modules["__main__"]
    for name in [name for name in vars(main) if name not in ("__name__", "__builtins__")]:
        delattr(main, name)
    main.__doc__ = main.__package__ = main.__spec__ = main.__loader__ = None
    if filename is not None:
        main.__file__ = filename
    exec(code, vars(main))


def run_script(path, arguments):
    sys.argv = [path, *arguments]
    if os.path.isdir(path) or path.endswith((".zip", ".pyz")):
        runpy.run_path(path, run_name="__main__")
        return
    with io.open_code(path) as file:
        code = compile(file.read(), path, "exec")
    run_code(code, path, os.path.dirname(os.path.realpath(path)))


def run_command(command, arguments):
    sys.argv = ["-c", *arguments]
    run_code(compile(command, "<string>", "exec"), None, "")


def info():
    print(f"{package.__name__} {package.__version__}")
    print(f"backend   {package.BACKEND}")
    print(f"python    {platform.python_implementation()} {platform.python_version()}")
    print(f"system    {platform.system()} {platform.release()} {platform.machine()}")


def main(arguments):
    if sys.path[:1] == [os.getcwd()] and not sys.flags.safe_path:
        del sys.path[0]  # put there for `-m` of this package; the program gets its own entry
    match arguments:
        case ["--info"]:
            info()
        case ["-h" | "--help"]:
            print(USAGE)
        case ["-m", name, *rest]:
            package.install()
            run_module(name, rest)
        case ["-c", command, *rest]:
            package.install()
            run_command(command, rest)
        case [path, *rest] if not path.startswith("-"):
            if not os.path.exists(path):
                sys.exit(f"{package.__name__}: can't open file {path!r}: no such file")
            package.install()
            run_script(path, rest)
        case _:
            sys.exit(USAGE)


if __name__ == "__main__":
    main(sys.argv[1:])
