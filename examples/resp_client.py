"""A client for Redis, in the time that its protocol takes to read: RESP on a Stream.

Run it: python resp_client.py          with a redis-server of its own
        python resp_client.py 6379     with the one on that port

Replies are lines and counted bytes: `readuntil` and `readexactly` are all that it needs. One
deadline covers a whole command, however many reads the reply takes, and after a timeout nothing of
a late reply is lost: reading it is what brings the connection back in step.
"""

import contextlib
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pysock as socket

TIMEOUT = 5.0  # seconds, for a whole command


class ReplyError(Exception):
    """What the server says is wrong with a command."""


class Client:
    def __init__(self, sock: socket.socket) -> None:
        self.stream = socket.Stream(sock)

    def send(self, *words: str | bytes) -> None:
        """Put a command into the stream: an array of strings of known length."""
        parts = [b"*%d\r\n" % len(words)]
        for word in words:
            if isinstance(word, str):
                word = word.encode()
            parts.append(b"$%d\r\n%b\r\n" % (len(word), word))
        self.stream.write(b"".join(parts))

    def receive(self, deadline: float) -> Any:
        """Read one reply. An array's members are read in turn, errors among them too."""
        line = self.stream.readuntil(b"\r\n", deadline=deadline)
        kind, rest = line[:1], line[1:-2]
        if kind == b"$":
            length = int(rest)
            if length < 0:
                return None
            return self.stream.readexactly(length + 2, deadline=deadline)[:-2]
        if kind == b"+":
            return rest
        if kind == b":":
            return int(rest)
        if kind == b"-":
            return ReplyError(rest.decode())
        if kind == b"*":
            count = int(rest)
            return None if count < 0 else [self.receive(deadline) for _ in range(count)]
        raise ValueError(f"no RESP reply begins with {line[:20]!r}")

    def call(self, *words: str | bytes, timeout: float = TIMEOUT) -> Any:
        """Send a command and return its reply; raise ReplyError, or TimeoutError."""
        deadline = time.monotonic() + timeout
        self.send(*words)
        self.stream.flush(deadline=deadline)
        reply = self.receive(deadline)
        if isinstance(reply, ReplyError):
            raise reply
        return reply

    def pipeline(
        self, commands: Sequence[tuple[str | bytes, ...]], timeout: float = TIMEOUT
    ) -> list[Any]:
        """Send many commands at once and return their replies, errors among them."""
        deadline = time.monotonic() + timeout
        for words in commands:
            self.send(*words)
        self.stream.flush(deadline=deadline)
        return [self.receive(deadline) for _ in commands]


@contextlib.contextmanager
def own_server() -> Iterator[socket.socket]:
    """A socket that is connected to a redis-server of its own, on AF_UNIX."""
    program = shutil.which("redis-server")
    if program is None:
        sys.exit("redis-server is not installed: give the port of one that runs")
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory, "socket")
        options = ["--port", "0", "--unixsocket", str(path), "--save", "", "--dir", directory]
        with subprocess.Popen([program, *options], stdout=subprocess.DEVNULL) as server:
            try:
                yield connect_when_it_listens(path, server)
            finally:
                server.terminate()


def connect_when_it_listens(path: pathlib.Path, server: subprocess.Popen[bytes]) -> socket.socket:
    """The path is there before the server listens: until then a connection is refused."""
    while True:
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            sock.close()
            if server.poll() is not None:
                raise
            time.sleep(0.01)
        else:
            return sock


def check(client: Client) -> None:
    """Use every kind of reply, and a timeout in the middle of one."""
    assert client.call("PING") == b"PONG"
    value = bytes(range(256)) * 400  # any bytes, line ends among them, larger than the buffer
    assert client.call("SET", "key", value) == b"OK"
    assert client.call("GET", "key") == value
    assert client.call("GET", "no such key") is None
    client.call("DEL", "list", "count")
    assert client.call("RPUSH", "list", "a", "b", b"\r\n") == 3
    assert client.call("LRANGE", "list", "0", "-1") == [b"a", b"b", b"\r\n"]
    try:
        client.call("INCR", "key")
    except ReplyError as error:
        assert "not an integer" in str(error)
    replies = client.pipeline([("INCR", "count")] * 1000)
    assert replies == list(range(1, 1001))

    try:
        client.call("BLPOP", "empty", "0.3", timeout=0.05)
    except TimeoutError:
        assert client.receive(time.monotonic() + TIMEOUT) is None  # the reply that came late
    assert client.call("ECHO", "in step again") == b"in step again"


def main() -> None:
    with contextlib.ExitStack() as stack:
        if len(sys.argv) > 1:
            sock = socket.create_connection(("127.0.0.1", sys.argv[1]), TIMEOUT)
        else:
            sock = stack.enter_context(own_server())
        client = Client(sock)
        with client.stream:
            check(client)
    print("every reply was what it had to be")


if __name__ == "__main__":
    main()
