"""A web client on nothing but the standard library's socket: four connections, every byte checked.

    python -I hammer.py PORT REQUESTS [AUTHORITY]

With the file of an authority it is over TLS. It asks the server what it used before and after, and
prints what the programs print.
"""

import json
import socket
import ssl
import sys
import threading
import time

BODY = b"".join(b"%08x" % number for number in range(375))  # 3000 bytes
LARGE = bytes(range(256)) * 400  # webapp.LARGE
THREADS = 4
AUTHORITY = sys.argv[3] if len(sys.argv) > 3 else None


class Connection:
    """One connection, made again when the server closes it."""

    def __init__(self, port):
        self.port = port
        self.sock = None

    def ask(self, method, path, body=b""):
        if self.sock is None:
            self.sock = socket.create_connection(("127.0.0.1", self.port), timeout=20)
            if AUTHORITY:
                context = ssl.create_default_context(cafile=AUTHORITY)
                self.sock = context.wrap_socket(self.sock, server_hostname="localhost")
            self.file = self.sock.makefile("rb")
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        self.sock.sendall(head.encode() + body)
        status = self.file.readline()
        if status.split(b" ")[1] != b"200":
            raise AssertionError(f"{method} {path}: {status!r}")
        headers = {}
        while (line := self.file.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            headers[name.lower()] = value.strip().lower()
        answer = self.file.read(int(headers[b"content-length"]))
        if headers.get(b"connection") == b"close" or status.startswith(b"HTTP/1.0"):
            if self.file.read():
                raise AssertionError("bytes after the answer")
            self.close()
        return answer

    def close(self):
        if self.sock is not None:
            self.file.close()
            self.sock.close()
            self.sock = None


def run(port, requests, failures):
    connection = Connection(port)
    try:
        for number in range(requests):
            if number % 10 == 8:
                right = connection.ask("POST", "/echo", BODY) == BODY
            elif number % 10 == 9:
                right = connection.ask("GET", "/large") == LARGE
            else:
                right = connection.ask("GET", f"/hello/{number}") == b"hello /hello/%d" % number
            if not right:
                raise AssertionError(f"wrong answer to request {number}")
    except Exception as error:
        failures.append(error)
    finally:
        connection.close()


def ask_about(port):
    connection = Connection(port)
    try:
        return json.loads(connection.ask("GET", "/about"))
    finally:
        connection.close()


def main(port, requests):
    share, failures = max(1, requests // THREADS), []
    run(port, max(10, requests // 20), failures)  # a server's first requests are not its usual ones
    before, start = ask_about(port), time.perf_counter()
    threads = [threading.Thread(target=run, args=(port, share, failures)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall, after = time.perf_counter() - start, ask_about(port)
    if failures:
        raise failures[0]
    done = {"requests": share * THREADS, "wall": wall, "socket": after["socket"]}
    used = {name: after["used"][name] - before["used"][name] for name in after["used"]}
    print(json.dumps(done | used), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
