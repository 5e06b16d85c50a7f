"""A chat server: a line from one client goes to all others. A thread for each, none for the slow.

Run it: python chat.py             clients of its own, and what they saw
        python chat.py 9000        a server on that port of this machine: telnet to it

A client that sends a line without end is told so and closed: LimitOverrunError. One that does not
read what the others say is closed when writing to it takes too long: it must not hold up the rest.
"""

import sys
import threading

import pysock as socket

LONGEST_LINE = 400
PATIENCE = 0.2  # seconds that a client may hold up a line that is sent to it


class Room:
    """Who is here. A line is sent to one after the other, so all see them in one order."""

    def __init__(self) -> None:
        self.streams: set[socket.Stream] = set()
        self.lock = threading.Lock()

    def enter(self, stream: socket.Stream) -> None:
        with self.lock:
            self.streams.add(stream)

    def leave(self, stream: socket.Stream) -> None:
        with self.lock:
            self.streams.discard(stream)

    def tell_others(self, sender: socket.Stream, line: bytes) -> None:
        with self.lock:
            for stream in list(self.streams - {sender}):
                try:
                    stream.write(line, timeout=PATIENCE)
                    stream.flush(timeout=PATIENCE)
                except OSError:  # TimeoutError is one
                    self.streams.discard(stream)
                    if stream.sock:
                        stream.sock.shutdown(socket.SHUT_RDWR)  # its thread sees that, and closes


def converse(room: Room, sock: socket.socket) -> None:
    stream = socket.Stream(sock, limit=LONGEST_LINE)
    room.enter(stream)
    try:
        with stream:
            try:
                while True:
                    room.tell_others(stream, stream.readuntil((b"\n", b"\r\n")))
            except socket.LimitOverrunError:
                stream.write(b"your line is too long\n")
    except (socket.IncompleteReadError, OSError):
        pass  # the end, with or without a last word, or the connection broke
    finally:
        room.leave(stream)


def serve(listener: socket.socket, room: Room) -> None:
    """Accept until the listener is shut down; wait for the last client to be gone."""
    threads: list[threading.Thread] = []
    while True:
        try:
            sock, _ = listener.accept()
        except OSError:
            break
        threads.append(threading.Thread(target=converse, args=(room, sock)))
        threads[-1].start()
    for thread in threads:
        thread.join()


def talk(
    address: tuple[str, int],
    name: bytes,
    lines: int,
    ready: threading.Barrier,
    heard: dict[bytes, list[bytes]],
) -> None:
    """Say *lines* when all are there, and hear what the others say."""
    with socket.Stream(socket.create_connection(address, timeout=30)) as stream:
        ready.wait()
        for number in range(lines):
            stream.write(b"%s says %d\n" % (name, number))
            stream.flush()
        heard[name] = [stream.readline() for _ in range(lines * (ready.parties - 1))]


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    room = Room()
    with socket.create_server(("127.0.0.1", port)) as listener:
        if port:
            serve(listener, room)
            return
        server = threading.Thread(target=serve, args=(listener, room))
        server.start()
        address = listener.getsockname()

        names = [b"Ada", b"Grace", b"Edsger", b"Barbara"]
        heard: dict[bytes, list[bytes]] = {}
        ready = threading.Barrier(len(names), action=lambda: wait_until(room, len(names)))
        clients = [
            threading.Thread(target=talk, args=(address, name, 200, ready, heard)) for name in names
        ]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        for name, lines in heard.items():
            for other in set(names) - {name}:
                said = [line for line in lines if line.startswith(other)]
                assert said == [b"%s says %d\n" % (other, number) for number in range(200)]
        print(f"{len(heard)} clients heard {sum(map(len, heard.values()))} lines, each in order")

        wait_until(room, 0)
        with (
            socket.Stream(socket.create_connection(address, timeout=30)) as talker,
            socket.create_connection(address) as sleeper,
        ):
            sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            wait_until(room, 2)
            while len(room.streams) == 2:  # until the server has lost its patience
                talker.write(b"z" * (LONGEST_LINE - 1) + b"\n")
            print("who does not listen is put out")
            talker.write(b"y" * 2 * LONGEST_LINE)
            talker.flush()
            assert talker.readline() == b"your line is too long\n"
            print("who does not stop is told so")
        listener.shutdown(socket.SHUT_RDWR)
        server.join()
    print("the room is empty, the door is closed")


def wait_until(room: Room, count: int) -> None:
    tick = threading.Event()
    while len(room.streams) != count:
        tick.wait(0.005)


if __name__ == "__main__":
    main()
