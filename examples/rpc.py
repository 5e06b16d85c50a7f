"""Calls over a connection: each message is its length and then JSON. A server, and its clients.

Run it: python rpc.py

Both sides move whole messages: `recv_exactly` has no loop around it, and `sendmsg_all` sends header
and body without joining them. A length is somebody else's number: it is compared with a limit
before memory is made for it. One deadline covers a call from its first byte to its answer's last.
"""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pysock as socket

HEADER = 4  # bytes, big-endian
LARGEST = 1 << 20
METHODS: dict[str, Callable[..., Any]] = {
    "add": lambda *numbers: sum(numbers),
    "echo": lambda text: text,
    "sleep": lambda seconds: time.sleep(seconds),
}


class CallError(Exception):
    """What the other side says of a call that failed there."""


def send_message(sock: socket.socket, message: Any, **patience: float) -> None:
    body = json.dumps(message).encode()
    sock.sendmsg_all([len(body).to_bytes(HEADER, "big"), body], **patience)


def receive_message(sock: socket.socket, **patience: float) -> Any:
    length = int.from_bytes(sock.recv_exactly(HEADER, **patience), "big")
    if length > LARGEST:
        raise ValueError(f"a message of {length} bytes is more than {LARGEST}")
    return json.loads(sock.recv_exactly(length, **patience))


def answer(request: Any) -> dict[str, Any]:
    method, arguments = request
    try:
        return {"result": METHODS[method](*arguments)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def serve_client(sock: socket.socket) -> None:
    with sock:
        try:
            while True:
                send_message(sock, answer(receive_message(sock)))
        except socket.IncompleteReadError as error:
            if error.partial:
                print(f"a client left in the middle of a message, after {error.partial!r}")
        except ValueError as error:
            send_message(sock, {"error": str(error)})
        except OSError:
            pass  # the connection broke


def serve(listener: socket.socket) -> None:
    threads: list[threading.Thread] = []
    while True:
        try:
            sock, _ = listener.accept()
        except OSError:
            break
        threads.append(threading.Thread(target=serve_client, args=(sock,)))
        threads[-1].start()
    for thread in threads:
        thread.join()


class Client:
    """One connection, one call at a time. After a timeout a late answer would be taken for the next
    call's: the connection is closed, and made anew when it is needed."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.sock: socket.socket | None = None

    def call(self, method: str, *arguments: Any, timeout: float = 10.0) -> Any:
        deadline = time.monotonic() + timeout
        if self.sock is None:
            self.sock = socket.create_connection(self.address, total_timeout=timeout)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            send_message(self.sock, [method, arguments], deadline=deadline)
            reply = receive_message(self.sock, deadline=deadline)
        except BaseException:
            self.close()
            raise
        if "error" in reply:
            raise CallError(reply["error"])
        return reply["result"]

    def close(self) -> None:
        if self.sock is not None:
            self.sock.close()
            self.sock = None


def use(address: tuple[str, int], number: int, done: list[int]) -> None:
    client = Client(address)
    for size in [0, 1, 1000, 100_000, 900_000, *range(number, 200)]:
        text = chr(0x40 + number) * size
        assert client.call("echo", text) == text
        assert client.call("add", number, size) == number + size
    client.close()
    done.append(number)


def main() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, args=(listener,))
        server.start()
        address = listener.getsockname()
        done: list[int] = []
        users = [threading.Thread(target=use, args=(address, n, done)) for n in range(1, 5)]
        for user in users:
            user.start()
        for user in users:
            user.join()
        assert sorted(done) == [1, 2, 3, 4]

        client = Client(address)
        for bad in (["no such method"], ["add", "a"]):
            try:
                client.call(*bad)
            except CallError as error:
                print(f"the server says: {error}")
        begun = time.monotonic()
        try:
            client.call("sleep", 0.5, timeout=0.1)
        except TimeoutError:
            assert time.monotonic() - begun < 0.5
        assert client.call("echo", "on a new connection") == "on a new connection"
        assert client.sock is not None
        client.sock.sendall((LARGEST + 1).to_bytes(HEADER, "big"))
        print(f"the server says: {receive_message(client.sock, timeout=10)['error']}")
        client.close()
        with socket.create_connection(address) as sock:
            sock.sendall(b"\0")
        listener.shutdown(socket.SHUT_RDWR)
        server.join()
    print("every call had its answer")


if __name__ == "__main__":
    main()
