"""install() and asyncio: whichever comes first, in threads and forks, asyncio's classes stay."""

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
    for cls in vars(sys.modules[name]).values():
        if isinstance(cls, type) and cls.__module__ == name:
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


def test_asyncios_loop_is_an_event_loop_if_asked_for():
    program = """
import pysock
pysock.install(asyncio=True)
import asyncio
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
    assert in_a_process(program) == "True True\nTrue\nFalse False\n"
    assert in_a_process(program, "1") == "False False\nFalse\nFalse False\n"
