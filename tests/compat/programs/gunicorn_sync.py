"""gunicorn with one worker; the client is a process of its own, on the standard library."""

import os
import signal
import threading

from gunicorn.app.base import BaseApplication
from measure import hammer
from webapp import wsgi


class Site(BaseApplication):
    def __init__(self, **settings):
        self.settings = settings
        super().__init__()

    def load_config(self):
        for name, value in self.settings.items():
            self.cfg.set(name, value)
        self.cfg.set("bind", "127.0.0.1:0")
        self.cfg.set("workers", 1)
        self.cfg.set("control_socket_disable", True)
        self.cfg.set("loglevel", "warning")
        self.cfg.set("post_worker_init", start_hammering)

    def load(self):
        return wsgi


def start_hammering(worker):
    """From the worker: the master waits for every child there is, the client too if it had one."""
    port = worker.sockets[0].getsockname()[1]

    def until_done():
        try:
            hammer(port)
        finally:
            os.kill(os.getppid(), signal.SIGTERM)

    threading.Thread(target=until_done).start()


if __name__ == "__main__":
    Site(worker_class="sync").run()
