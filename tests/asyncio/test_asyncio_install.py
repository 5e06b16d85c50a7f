"""install() and asyncio: whichever comes first, in threads and forks, asyncio's classes stay."""

import sys

import pytest
from support.programs import in_a_process

# Every attribute of every class of asyncio, one a line, and of a function the code that it has.
DESCRIBED = """
import asyncio, sys, zlib

async def main():
    loop = asyncio.get_running_loop()
    called = loop.create_future()
    loop.call_soon(called.set_result, 7)
    assert await called == 7

asyncio.run(main())  # whatever a loop may do to asyncio at its first turn

def described(value):
    code = getattr(value, "__code__", None)
    told = code and (code.co_filename, code.co_firstlineno, zlib.crc32(code.co_code))
    return type(value).__qualname__, getattr(value, "__qualname__", None), told

names = sorted(name for name in sys.modules if name.partition(".")[0] == "asyncio")
for name in names:
    named = [cls for cls in vars(sys.modules[name]).values() if isinstance(cls, type)]
    # A name may have a subclass of pysock's: its base is asyncio's class.
    classes = {base for cls in named for base in cls.__mro__ if base.__module__ == name}
    for cls in sorted(classes, key=lambda cls: cls.__qualname__):
        for attribute, value in vars(cls).items():
            print(name, cls.__qualname__, attribute, *described(value))
"""
INSTALLED = """
import warnings
import pysock
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of ssl, which asyncio imports
    pysock.install()
"""


@pytest.fixture(scope="module")
def of_the_standard_library():
    described = in_a_process(DESCRIBED)
    assert described.count("\n") > 500
    assert "asyncio.events Handle _run function Handle._run" in described
    assert "BaseSelectorEventLoop _process_events function" in described
    return described


@pytest.mark.parametrize("no_extensions", ["", "1"])
@pytest.mark.parametrize("first", ["", "import asyncio"])
def test_nothing_inside_asyncios_classes_is_replaced(of_the_standard_library, first, no_extensions):
    program = first + INSTALLED + DESCRIBED
    assert in_a_process(program, no_extensions) == of_the_standard_library


@pytest.mark.skipif(
    not getattr(sys, "_is_gil_enabled", lambda: True)(),
    reason="without a GIL a dict that another thread uses may stay locked in a child",
)
def test_a_child_that_was_forked_while_another_thread_installs():
    program = """
import os, selectors, sys, threading, warnings
import pysock
pysock.install()
import asyncio
sys.setswitchinterval(1e-6)
warnings.simplefilter("ignore", DeprecationWarning)  # fork, with threads
over = []
def install():
    while not over:
        selectors.DefaultSelector().close()
        pysock.uninstall(), pysock.install()
threads = [threading.Thread(target=install) for _ in range(2)]
warnings.simplefilter("ignore", RuntimeWarning)  # ssl came with asyncio
for thread in threads:
    thread.start()
for _ in range(100):
    pid = os.fork()
    if pid == 0:
        selectors.DefaultSelector().close()
        pysock.uninstall(), pysock.install()
        os._exit(0)
    os.waitpid(pid, 0)
over.append(True)
for thread in threads:
    thread.join()
"""
    assert in_a_process(program) == ""


def test_asyncio_is_not_imported_for_it():
    program = "import sys, pysock; pysock.install(); print('asyncio' in sys.modules)"
    assert in_a_process(program) == "False\n"


@pytest.mark.parametrize("no_extensions", ["", "1"])
def test_a_program_may_put_it_in_the_place_of_asyncios_own(no_extensions):
    """The class is made when it is first used: then asyncio's name is already another's."""
    program = """
import pysock, asyncio
asyncio.SelectorEventLoop = pysock.EventLoop
asyncio.SelectorEventLoop().close()
print(pysock.EventLoop.__mro__[1].__module__)
"""
    assert in_a_process(program, no_extensions).startswith(("asyncio.", "pysock."))


IS_ASYNCIOS_LOOP = """
async def main():
    return asyncio.get_running_loop()
before = asyncio.new_event_loop()
print(isinstance(before, pysock.EventLoop), isinstance(asyncio.run(main()), pysock.EventLoop))
print(asyncio.SelectorEventLoop is pysock.EventLoop)
pysock.uninstall()
after = asyncio.new_event_loop()
print(isinstance(after, pysock.EventLoop), asyncio.SelectorEventLoop is pysock.EventLoop)
before.close()
after.close()
"""


@pytest.mark.parametrize("first", ["import asyncio", ""])
def test_asyncios_loop_is_an_event_loop(first):
    program = first + INSTALLED + "import asyncio" + IS_ASYNCIOS_LOOP
    assert in_a_process(program) == "True True\nTrue\nFalse False\n"
    assert in_a_process(program, "1") == "False False\nFalse\nFalse False\n"


@pytest.mark.parametrize("first", ["import asyncio", ""])
def test_asyncios_loop_stays_if_told_so(first):
    installed = INSTALLED.replace("install()", "install(asyncio=False)")
    program = first + installed + "import asyncio" + IS_ASYNCIOS_LOOP
    assert in_a_process(program) == "False False\nFalse\nFalse False\n"


@pytest.mark.parametrize("first", ["import asyncio", ""])
@pytest.mark.parametrize("coalesce_writes", [True, False])
def test_its_loops_coalesce_writes_if_asked_for(first, coalesce_writes):
    named = f"install(coalesce_writes={coalesce_writes})"
    program = f"""
import asyncio, socket
class Writes(asyncio.Protocol):
    def connection_made(self, transport):
        sock = transport.get_extra_info("socket")
        transport.write(b"x")
        print(b.recv(1) if coalesced is False else "later")
        transport.close()
    def connection_lost(self, error):
        asyncio.get_running_loop().stop()
loop = asyncio.new_event_loop()
coalesced = {coalesce_writes}
a, b = socket.socketpair()
loop.run_until_complete(loop.create_connection(Writes, sock=a))
loop.run_forever()
loop.close()
print(b.recv(1))
b.close()
"""
    expected = "later\nb'x'\n" if coalesce_writes else "b'x'\nb''\n"
    assert in_a_process(first + INSTALLED.replace("install()", named) + program) == expected


def test_the_import_of_asyncio_leaves_no_trace():
    program = """
import sys
before = list(sys.meta_path)
import pysock
pysock.install()
import importlib.util
spec = importlib.util.find_spec("asyncio")  # looks, and imports nothing
import asyncio
print(sys.meta_path == before)
plain = importlib.util.find_spec("asyncio.events")
for module in (asyncio, asyncio.events):
    print(type(module.__spec__.loader).__name__, module.__loader__ is module.__spec__.loader)
print(asyncio.SelectorEventLoop is pysock.EventLoop)
"""
    loader = "SourceFileLoader True\n"
    assert in_a_process(program) == f"True\n{loader}{loader}True\n"


def test_uninstall_before_the_import_of_asyncio():
    program = """
import sys
before = list(sys.meta_path)
import pysock
pysock.install()
pysock.uninstall()
print(sys.meta_path == before)
with pysock.installed():
    print(sys.meta_path == before)
print(sys.meta_path == before)
import asyncio
print(asyncio.SelectorEventLoop is pysock.EventLoop)
"""
    assert in_a_process(program) == "True\nFalse\nTrue\nFalse\n"


def test_uninstall_in_the_middle_of_another_import():
    """Every finder is asked all the same. A finder that uninstalls is here for another thread."""
    program = """
import sys
import pysock
pysock.install()
class Uninstalls:
    def find_spec(name, path=None, target=None):
        pysock.uninstall()
sys.meta_path.insert(-1, Uninstalls)
import colorsys
print(Uninstalls in sys.meta_path)
"""
    assert in_a_process(program) == "True\n"


def test_an_import_of_asyncio_that_fails_is_tried_again():
    program = """
import pysock, sys
pysock.install()
sys.modules["asyncio.events"] = None
try:
    import asyncio
except ImportError as error:
    print("failed")
del sys.modules["asyncio.events"]
for name in [name for name in sys.modules if name.startswith("asyncio")]:
    del sys.modules[name]
import asyncio
print(asyncio.SelectorEventLoop is pysock.EventLoop)
"""
    assert in_a_process(program) == "failed\nTrue\n"


def test_asyncio_is_imported_by_several_threads_while_others_install():
    program = """
import sys, threading, warnings
import pysock
warnings.simplefilter("ignore")
sys.setswitchinterval(1e-6)
pysock.install()
start = threading.Barrier(6)
def importing():
    start.wait()
    import asyncio
    assert asyncio.run(asyncio.sleep(0, 5)) == 5
def installing():
    start.wait()
    for _ in range(20):
        pysock.uninstall(), pysock.install()
threads = [threading.Thread(target=each) for each in [importing, installing] * 3]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(30)
    assert not thread.is_alive()
import asyncio
pysock.uninstall(), pysock.install()
print(asyncio.SelectorEventLoop is pysock.EventLoop)
pysock.uninstall()
print(asyncio.SelectorEventLoop is asyncio.unix_events._UnixSelectorEventLoop)
"""
    assert in_a_process(program) == "True\nTrue\n"


def test_the_import_of_asyncio_begins_while_another_thread_installs():
    """It begins when install() has seen that asyncio is not there, and before it has the lock."""
    program = """
import sys, threading, time, warnings
import pysock
warnings.simplefilter("ignore")  # asyncio has imported ssl before
class SlowFinder:
    def find_spec(name, path=None, target=None):
        if name == "asyncio.base_events":
            begun.set()
            time.sleep(0.3)
class Lock:
    def __enter__(self):
        if not begun.is_set():
            importing.start()
            begun.wait()
        lock.acquire()
    def __exit__(self, *exception):
        lock.release()
begun = threading.Event()
sys.meta_path.insert(0, SlowFinder)
lock, pysock._install._lock = pysock._install._lock, Lock()
importing = threading.Thread(target=lambda: __import__("asyncio"))
pysock.install()
importing.join()
import asyncio
print(asyncio.SelectorEventLoop is pysock.EventLoop)
pysock.uninstall()
print(asyncio.SelectorEventLoop is asyncio.unix_events._UnixSelectorEventLoop)
"""
    assert in_a_process(program) == "True\nTrue\n"
