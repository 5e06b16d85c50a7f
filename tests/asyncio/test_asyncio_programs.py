"""Programs on asyncio that look at it from outside print the same with and without install()."""

import pytest
from support.programs import printed

HEAD = """
import asyncio, os, sys, traceback, warnings
if os.environ["INSTALL"]:
    warnings.simplefilter("ignore")  # of ssl, which asyncio imports
    import pysock
    pysock.install(asyncio=os.environ["INSTALL"] == "all")
"""

PROGRAMS = {
    "the stack of a callback": """
def callback():
    traceback.print_stack(file=sys.stdout)
    loop.stop()
loop = asyncio.new_event_loop()
loop.call_soon(callback)
loop.run_forever()
loop.close()
""",
    "a KeyboardInterrupt in a callback": """
def callback():
    raise KeyboardInterrupt
loop = asyncio.new_event_loop()
loop.call_soon(callback)
try:
    loop.run_forever()
except KeyboardInterrupt as error:
    told = traceback.format_exc()
    print(told)
    assert told.count("in _run\\n") == 1
loop.close()
""",
    "an interrupt of an idle loop": """
import signal
def interrupt(*_):
    raise KeyboardInterrupt
signal.signal(signal.SIGALRM, interrupt)
loop = asyncio.new_event_loop()
signal.setitimer(signal.ITIMER_REAL, 0.2)
try:
    loop.run_forever()
except KeyboardInterrupt:
    traceback.print_exc(file=sys.stdout)
loop.close()
""",
    "an exception in a callback, in debug mode": """
import re
def callback():
    1 / 0
def told(loop, context):
    print(context["message"])
    traceback.print_exception(context["exception"], file=sys.stdout)
    print("".join(traceback.format_list(context["source_traceback"])))
async def main():
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(told)
    loop.slow_callback_duration = 60  # a busy machine is slow
    loop.call_soon(callback)
    await asyncio.sleep(0.01)
asyncio.run(main(), debug=True)
""",
    "a tool that rewrites the code of Handle._run": """
from asyncio import events
seen = []
def _run(self):
    seen.append(self._callback)
    self._context.run(self._callback, *self._args)
before = events.Handle._run.__code__
code = _run.__code__
events.Handle._run.__globals__["seen"] = seen
events.Handle._run.__code__ = code
async def main():
    await asyncio.sleep(0)
    await asyncio.sleep(0)
asyncio.run(main())
print(len(seen) > 2, len(seen))
events.Handle._run.__code__ = before
""",
    "a tool that wraps _run and _process_events": """
from asyncio import events, selector_events
from unittest import mock
loop = asyncio.new_event_loop()
with mock.patch.object(events.Handle, "_run", autospec=True, side_effect=events.Handle._run) as run:
    loop.call_soon(loop.stop)
    loop.run_forever()
print([call.args[0]._callback for call in run.mock_calls] == [loop.stop])
cls = selector_events.BaseSelectorEventLoop
with mock.patch.object(cls, "_process_events", autospec=True) as process:
    loop.call_soon(loop.stop)
    loop.run_forever()
print(process.mock_calls == [mock.call(loop, [])])
loop.close()
""",
    "a sampler of an idle loop": """
import faulthandler, threading, time
def idle():
    loop.run_until_complete(asyncio.sleep(1))
loop = asyncio.new_event_loop()
thread = threading.Thread(target=idle)
thread.start()
time.sleep(0.3)
traceback.print_stack(sys._current_frames()[thread.ident], file=sys.stdout)
frame = sys._current_frames()[thread.ident]
print(frame.f_globals["__name__"], os.path.basename(frame.f_code.co_filename), frame.f_code.co_name)
del frame
thread.join()
loop.close()
""",
    "streams": """
async def echo(reader, writer):
    while data := await reader.read(100):
        writer.write(data)
    writer.close()
async def main():
    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        for line in (b"one", b"two"):
            writer.write(line)
            print(await reader.readexactly(3))
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(0.05)  # the server's side closes, too
asyncio.run(main())
""",
}


# They print the frame of `_run_once`, or of `Handle._run`: docs/differences.md.
PRINTS_STACKS = {
    "the stack of a callback",
    "a KeyboardInterrupt in a callback",
    "an interrupt of an idle loop",
    "an exception in a callback, in debug mode",
    "a sampler of an idle loop",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_prints_the_same(tmp_path, name):
    path = tmp_path / "program.py"
    path.write_text(HEAD + PROGRAMS[name])
    expected = printed(path, INSTALL="", no_extensions="", timeout=60)
    assert expected
    for install in ("sockets", "all"):
        for no_extensions in ("", "1"):
            got = printed(path, INSTALL=install, no_extensions=no_extensions, timeout=60)
            differs = install == "all" and not no_extensions and name in PRINTS_STACKS
            assert (got == expected) is not differs, got
