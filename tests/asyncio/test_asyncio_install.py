"""install() and asyncio: whichever comes first, in threads and forks, and out again."""

from asyncio import events
from asyncio.selector_events import BaseSelectorEventLoop

import pytest
from support.programs import in_a_process

RUN = events.Handle._run
PROCESS = BaseSelectorEventLoop._process_events


def test_it_is_put_in_place_where_it_is_in_c(pysock):
    with pysock.installed():
        assert (events.Handle._run is RUN) == (pysock.BACKEND == "stdlib")
        assert events.Handle._run.__qualname__ == "Handle._run"
        process = BaseSelectorEventLoop._process_events
        assert (process is PROCESS) == (pysock.BACKEND == "stdlib")
    assert events.Handle._run is RUN and BaseSelectorEventLoop._process_events is PROCESS


def test_a_child_that_was_forked_while_another_thread_made_a_loop():
    program = """
import os, selectors, sys, threading, warnings
import pysock
pysock.install()
import asyncio
sys.setswitchinterval(1e-6)
warnings.simplefilter("ignore", DeprecationWarning)  # fork, with threads
over = []
def make():
    while not over:
        selectors.DefaultSelector().close()
        pysock.uninstall(), pysock.install()
threads = [threading.Thread(target=make) for _ in range(2)]
warnings.simplefilter("ignore", RuntimeWarning)  # ssl came with asyncio
for thread in threads:
    thread.start()
for _ in range(100):
    pid = os.fork()
    if pid == 0:
        selectors.DefaultSelector().close()
        os._exit(0)
    os.waitpid(pid, 0)
over.append(True)
for thread in threads:
    thread.join()
"""
    assert in_a_process(program) == ""


ORDERS = {
    "before asyncio": """
import pysock
pysock.install()
import asyncio
run = asyncio.Handle._run  # until there is a loop
""",
    "after asyncio": """
import asyncio, warnings
import pysock
run = asyncio.Handle._run
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what asyncio has of ssl came before
    pysock.install()
assert (asyncio.Handle._run is run) == (pysock.BACKEND == "stdlib")
""",
}
PROGRAM = """
async def main():
    loop = asyncio.get_running_loop()
    called = loop.create_future()
    loop.call_soon(called.set_result, 7)
    assert await called == 7
    return asyncio.Handle._run

assert (asyncio.run(main()) is run) == (pysock.BACKEND == "stdlib")
pysock.uninstall()
assert asyncio.run(main()) is run
print("done")
"""


@pytest.mark.parametrize("no_extensions", ["", "1"])
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_before_and_after_asyncio(order, no_extensions):
    assert in_a_process(order + PROGRAM, no_extensions) == "done\n"


def test_asyncio_is_not_imported_for_it():
    program = "import sys, pysock; pysock.install(); print('asyncio' in sys.modules)"
    assert in_a_process(program) == "False\n"
