"""coverage: the lines and branches that ran, of methods that sockets and loops call back, too."""

import asyncio
import selectors
import socket
import threading

import coverage
from shown import say


class Overriding(socket.socket):
    def recv_into(self, buffer, nbytes=0, flags=0):
        if nbytes:
            return super().recv_into(buffer, nbytes, flags)
        return super().recv_into(buffer)

    def send(self, data, flags=0):
        if flags:
            raise ValueError("flags")
        return super().send(data)

    def gettimeout(self):
        return super().gettimeout()

    def fileno(self):
        number = super().fileno()
        if number < 0:
            raise ValueError("closed")
        return number

    def close(self):
        super().close()


class Selector(selectors.EpollSelector):
    def select(self, timeout=None):
        if timeout == 0:
            return super().select(0)
        return super().select(timeout)


class Protocol(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        if data == b"line\n":
            self.transport.write(data)
        else:
            self.transport.abort()
        self.transport.close()


def serve(listener):
    sock, _ = listener.accept()
    with sock:
        while data := sock.recv(10):
            sock.sendall(data)
            if data == b"never":
                break


def blocking():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        client = Overriding()
        client.connect(listener.getsockname())
        with client, client.makefile("rwb") as file:
            file.write(b"line\n")
            file.flush()
            line = file.readline()
            client.shutdown(socket.SHUT_WR)
        thread.join()
        return line


async def on_a_loop():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Protocol, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"line\n")
    line = await reader.read()
    writer.close()
    server.close()
    return line


def in_a_loop():
    loop = asyncio.SelectorEventLoop(Selector())
    try:
        return loop.run_until_complete(on_a_loop())
    finally:
        loop.close()


def failing():
    with socket.socket() as sock:
        try:
            sock.connect("wrong")
        except TypeError:
            return "a TypeError"
        return "no exception"


for timid in (False, True):
    measured = coverage.Coverage(
        data_file=None, include=[__file__], timid=timid, branch=True, config_file=False
    )
    measured.start()
    results = blocking(), in_a_loop(), failing()
    measured.stop()
    data = measured.get_data()
    (name,) = data.measured_files()
    say("results", results)
    say("lines", sorted(data.lines(name)))
    say("branches", sorted(data.arcs(name)))
