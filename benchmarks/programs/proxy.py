"""A TCP proxy to a port on loopback: ``proxy.py PORT``. By splice where `socket` has it."""

import socket
import sys
import threading

if "pysock" in sys.modules:
    import pysock as socket


def copy(source, target):
    room = bytearray(256 << 10)
    view = memoryview(room)
    while came := source.recv_into(room):
        target.sendall(view[:came])


def forward(source, target):
    getattr(socket, "splice", copy)(source, target)
    target.shutdown(socket.SHUT_WR)


def connect(client):
    with client, socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as server:
        answers = threading.Thread(target=forward, args=(server, client))
        answers.start()
        forward(client, server)
        answers.join()


with socket.create_server(("127.0.0.1", 0)) as listener:
    print(listener.getsockname()[1])
    while True:
        client, _ = listener.accept()
        threading.Thread(target=connect, args=(client,), daemon=True).start()
