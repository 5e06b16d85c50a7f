"""waitress in this process; the client is a process of its own, on the standard library."""

import logging
import sys
import threading

import waitress
from measure import hammer
from webapp import wsgi


def main():
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # four clients are a queue to it
    server = waitress.create_server(wsgi, host="127.0.0.1", port=0, threads=4)
    threading.Thread(target=server.run, daemon=True).start()
    return hammer(server.effective_port)


if __name__ == "__main__":
    sys.exit(main())
