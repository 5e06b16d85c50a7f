"""uvicorn on asyncio's own loop, with h11; the client is a process of its own."""

import sys
import threading
import time

import uvicorn
from measure import hammer
from webapp import asgi


def main(loop="asyncio", authority=None, **tls):
    options = {"loop": loop, "http": "h11", "log_level": "warning", "lifespan": "off"}
    server = uvicorn.Server(uvicorn.Config(asgi, host="127.0.0.1", port=0, **options, **tls))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)  # it tells nobody
        return hammer(server.servers[0].sockets[0].getsockname()[1], authority)
    finally:
        server.should_exit = True
        thread.join()


if __name__ == "__main__":
    sys.exit(main())
