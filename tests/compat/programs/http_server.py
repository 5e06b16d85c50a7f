"""http.server's ThreadingHTTPServer; the client is a process of its own."""

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from measure import hammer
from webapp import answer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else the client's delayed acknowledgements are all there is

    def do_GET(self):
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        content = answer(self.path, body)
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def log_message(self, *args):
        pass


def main():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            return hammer(server.server_port)
        finally:
            server.shutdown()
            thread.join()


if __name__ == "__main__":
    sys.exit(main())
