"""The event loops that the server programs can run on, by the names of their columns."""

import asyncio


def new_loop(name):
    if name == "uvloop":
        import uvloop

        return uvloop.new_event_loop()
    if name == "aiofastnet":
        import aiofastnet
        import uvloop

        return aiofastnet.patch_loop(uvloop.new_event_loop())
    if name == "pysock":
        import pysock

        return pysock.new_event_loop()
    if name == "installed":
        import pysock

        pysock.install()
        return asyncio.new_event_loop()
    return asyncio.SelectorEventLoop()
