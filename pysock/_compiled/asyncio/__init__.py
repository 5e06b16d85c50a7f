"""The event loop: what `asyncio.SelectorEventLoop` and its transports do often, in C."""
