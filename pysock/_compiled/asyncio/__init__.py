"""The functions that asyncio's event loop calls for each callback, in C."""
