"""Clients of an echo server on loopback, in a process of their own that has no other work.

They use the standard library for every server, and share no GIL with one.
"""

import select
import socket
from time import perf_counter

from . import children

SIZE = 64
LOST_MS = 200  # a datagram without an answer for so long is lost


def drive(seconds, port, count, datagrams=False):
    """Let *count* clients ask for an echo again and again; return how many they got.

    The time begins when each has got one: the server has accepted all of them.
    """
    data = bytes(SIZE)
    poll = select.poll()
    clients = {}
    try:
        for _ in range(count):
            sock = connected(port, datagrams)
            clients[sock.fileno()] = sock
            poll.register(sock, select.POLLIN)
            sock.send(data)
        without = set(clients)
        echoes = first = begin = 0
        while without or (now := perf_counter()) < begin + seconds or echoes == first:
            ready = poll.poll(LOST_MS)
            for number, _ in ready:
                receive(clients[number])
                clients[number].send(data)
            echoes += len(ready)
            if without:
                without.difference_update(number for number, _ in ready)
                first, begin = echoes, perf_counter()
            if datagrams and not ready:
                for sock in clients.values():
                    sock.send(data)
    finally:
        for sock in clients.values():
            sock.close()
    return {"echoes": echoes, "echoes/s": (echoes - first) / (now - begin)}


def connected(port, datagrams):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if datagrams else socket.SOCK_STREAM)
    try:
        sock.connect(("127.0.0.1", port))
        if not datagrams:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError:
        sock.close()
        raise
    return sock


def receive(sock):
    left = SIZE
    while left:
        got = len(sock.recv(left))
        if not got:
            raise ConnectionError("the server has closed a connection")
        left -= got


def serve():
    children.answer(drive)
