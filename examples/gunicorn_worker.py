"""The worker class of gunicorn that serves an ASGI application on pysock's event loop.

Run it: gunicorn asgi_app:app --worker-class gunicorn_worker.PysockWorker --workers 2
"""

from uvicorn_worker import UvicornWorker


class PysockWorker(UvicornWorker):
    CONFIG_KWARGS = {"loop": "pysock:new_event_loop", "http": "auto"}
