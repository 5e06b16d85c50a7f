"""anyio on trio."""

import anyio
from anyio_asyncio import main

if __name__ == "__main__":
    anyio.run(main, backend="trio")
