"""The operations that a fault is put into, each in one line, and what they must have moved.

What pysock adds is found by itself: each public method whose name begins with recv or send, or ends
with an "s" of them, gets arguments by the names of its parameters.
"""

import inspect
import os
import socket as stdlib
import tempfile

BYTES = b"0123456789" * 10
HERE = object()  # in a list of arguments: where the memory goes


def as_bytes(result, room):
    """What a receive returned, as bytes; *room* is the buffer that it was given."""
    if isinstance(result, tuple):
        result = result[0]
    if isinstance(result, int):
        return bytes(memoryview(room)[:result])
    if isinstance(result, list):
        return b"".join(data for data, _ in result)
    return room[:] if result is None else bytes(result)


def into(call):
    def receive(sock):
        room = bytearray(len(BYTES))
        return as_bytes(call(sock, room), room)

    return receive


def read_file(sock):
    with sock.makefile("rb", buffering=0) as file:
        return file.read(len(BYTES))


def write_file(sock, data):
    with sock.makefile("wb", buffering=0) as file:
        return file.write(data) or 0  # None: nothing went out


# Made before all: a handler that raises while it is made would leave it open.
FILE = tempfile.TemporaryFile(buffering=0)


def send_file(sock, data):
    FILE.seek(0)
    FILE.write(data)
    FILE.truncate()
    FILE.seek(0)
    return sock.sendfile(FILE)


# Each returns the bytes that it received.
STREAM_IN = {
    "recv": lambda s: s.recv(100),
    "recv of much": lambda s: s.recv(262144),
    "recv_into": into(lambda s, room: s.recv_into(room)),
    "recvfrom": lambda s: s.recvfrom(100)[0],
    "recvfrom_into": into(lambda s, room: s.recvfrom_into(room)),
    "recvmsg": lambda s: s.recvmsg(100)[0],
    "recvmsg_into": into(lambda s, room: s.recvmsg_into([room])),
    "makefile, read": read_file,
}
# Each returns how many bytes it sent, or None for all.
STREAM_OUT = {
    "send": lambda s, data: s.send(data),
    "sendall": lambda s, data: s.sendall(data),
    "sendmsg": lambda s, data: s.sendmsg([data[:10], data[10:]]),
    "makefile, write": write_file,
    "sendfile": send_file,
}
DATAGRAM_IN = {
    "recv": lambda s: s.recv(100),
    "recvfrom": lambda s: s.recvfrom(100)[0],
    "recvfrom_into": into(lambda s, room: s.recvfrom_into(room)),
    "recvmsg": lambda s: s.recvmsg(100, 100)[0],
}
DATAGRAM_OUT = {
    "send": lambda s, data: s.send(data),
    "sendmsg": lambda s, data: s.sendmsg([data]),
}

BY_PARAMETER = {
    "n": 100,
    "size": 100,
    "nbytes": 100,
    "bufsize": 100,
    "max_messages": 1,
    "segment_size": 100,
    "maxfds": 2,
    "fds": [],
    "flags": 0,
    "address": None,
}


def arguments(method, room, data):
    """Arguments for the parameters of *method* that have no default; None if one is not known."""
    chosen = []
    for parameter in list(inspect.signature(method).parameters.values())[1:]:
        if parameter.kind not in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            continue
        if parameter.default is not parameter.empty:
            continue
        if parameter.name in ("buf", "buffer", "data", "view"):
            chosen.append(data if data is not None else room)
        elif parameter.name in ("buffers", "messages", "datas"):
            chosen.append([data] if data is not None else [room])
        elif parameter.name in BY_PARAMETER:
            chosen.append(BY_PARAMETER[parameter.name])
        else:
            return None
    return chosen


def filled(given, memory):
    """*given* with *memory* in its place: little enough for a call that is to run out of memory."""
    return [memory if one is HERE else [memory] if one == [HERE] else one for one in given]


def add_extended(module):
    """Put the methods that *module*'s class has beyond the standard library's into the tables."""
    for name in sorted(set(dir(module.socket)) - set(dir(stdlib.socket))):
        method = getattr(module.socket, name)
        if name.startswith("_") or not callable(method):
            continue
        taken, given = arguments(method, HERE, None), arguments(method, None, HERE)
        if name.startswith("recv") and taken is not None:

            def receive(sock, method=method, given=taken):
                room = bytearray(len(BYTES))
                return as_bytes(method(sock, *filled(given, room)), room)

            tables = (DATAGRAM_IN,) if "mmsg" in name else (STREAM_IN,)
        elif name.startswith("send") and given is not None:

            def receive(sock, data, method=method, given=given):
                return method(sock, *filled(given, data))

            tables = (DATAGRAM_OUT,) if "mmsg" in name or "segment" in name else (STREAM_OUT,)
        else:
            continue
        for table in tables:
            table[name] = receive
    if hasattr(module, "DatagramBatch"):
        DATAGRAM_IN["DatagramBatch.recv_into"] = lambda s: batch_receives(module, s)


def batch_receives(module, sock):
    batch = module.DatagramBatch(2, 200)
    batch.recv_into(sock)
    return b"".join(bytes(datagram) for datagram in batch)


def open_descriptors():
    return len(os.listdir("/proc/self/fd"))
