"""pyftpdlib's server and ftplib: login, uploads, downloads, restarts, lists, IPv4 and passive."""

import ftplib
import io
import logging
import tempfile
import threading

from measure import REQUESTS, measured, payload
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer


def download(ftp, name, **options):
    got = io.BytesIO()
    ftp.retrbinary(f"RETR {name}", got.write, **options)
    return got.getvalue()


def check(ftp):
    for size in (0, 1, 65_536, 3_000_000):
        ftp.storbinary("STOR file", io.BytesIO(payload(size)))
        assert ftp.size("file") == size and download(ftp, "file") == payload(size)
    assert download(ftp, "file", rest=1_000_001) == payload(3_000_000)[1_000_001:]
    ftp.set_pasv(False)
    assert download(ftp, "file") == payload(3_000_000)
    ftp.set_pasv(True)
    ftp.mkd("folder")
    assert sorted(ftp.nlst()) == ["file", "folder"]
    assert dict(ftp.mlsd())["file"]["size"] == "3000000"
    lines = []
    ftp.storlines("STOR text", io.BytesIO(b"one\ntwo\nthree\n"))
    ftp.retrlines("RETR text", lines.append)
    assert lines == ["one", "two", "three"]
    try:
        ftp.cwd("nowhere")
    except ftplib.error_perm as error:
        assert str(error).startswith("550")
    else:
        raise AssertionError("a folder that is not there")


def main():
    logging.getLogger("pyftpdlib").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as root:
        authorizer = DummyAuthorizer()
        authorizer.add_user("me", "secret", root, perm="elradfmwMT")
        handler = type("Handler", (FTPHandler,), {"authorizer": authorizer})
        server = FTPServer(("127.0.0.1", 0), handler)
        stop = threading.Event()

        def serve():
            while not stop.is_set():
                server.serve_forever(timeout=0.2, blocking=False)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            with ftplib.FTP() as ftp:
                ftp.connect("127.0.0.1", server.address[1], timeout=20)
                ftp.login("me", "secret")
                check(ftp)
                body = payload(1000)
                ftp.storbinary("STOR small", io.BytesIO(body))
                with measured():
                    for _ in range(REQUESTS):
                        assert download(ftp, "small") == body
        finally:
            stop.set()
            thread.join()
            server.close_all()


if __name__ == "__main__":
    main()
