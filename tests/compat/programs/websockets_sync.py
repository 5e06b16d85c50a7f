"""websockets with threads: messages of all sizes, fragments, text, pings, closing with a reason."""

import threading

from measure import REQUESTS, measured, payload
from websockets.exceptions import ConnectionClosedOK
from websockets.sync.client import connect
from websockets.sync.server import serve


def echo(connection):
    for message in connection:
        if message == "close":
            connection.close(1000, "as asked")
        else:
            connection.send(message)


def check(url):
    with connect(url, max_size=None) as client:
        for size in (0, 1, 125, 126, 65_535, 65_536, 1_000_000):
            client.send(payload(size))
            assert client.recv(timeout=20) == payload(size)
        client.send(payload(1000) for _ in range(20))
        assert client.recv() == payload(1000) * 20
        client.send("w\u00f6rter")
        assert client.recv() == "w\u00f6rter"
        assert client.ping().wait(10)
        try:
            client.recv(timeout=0.05)
        except TimeoutError:
            pass
        else:
            raise AssertionError("no timeout")
        client.send("close")
        try:
            client.recv()
        except ConnectionClosedOK as closed:
            assert closed.rcvd.reason == "as asked"
        else:
            raise AssertionError("not closed")


def main():
    with serve(echo, "127.0.0.1", 0, max_size=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        try:
            check(url)
            message = payload(64)
            with connect(url, compression=None) as client, measured():
                for _ in range(REQUESTS):
                    client.send(message)
                    assert client.recv() == message
        finally:
            server.shutdown()
            thread.join()


if __name__ == "__main__":
    main()
