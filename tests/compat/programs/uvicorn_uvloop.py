"""uvicorn on uvloop, which has sockets of its own."""

import sys

from uvicorn_server import main

if __name__ == "__main__":
    sys.exit(main(loop="uvloop"))
