"""gunicorn with one worker of four threads, and connections that stay open."""

from gunicorn_sync import Site

if __name__ == "__main__":
    Site(worker_class="gthread", threads=4).run()
