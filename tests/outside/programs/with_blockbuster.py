"""blockbuster: calls that block an event loop are refused, the others are let through."""

import asyncio
import io
import os
import socket
import tempfile

from blockbuster import BlockBuster
from shown import outcome, say

file = tempfile.TemporaryFile()
file.write(b"x" * 100)
file.flush()
listener = socket.create_server(("127.0.0.1", 0))
a, b = socket.socketpair()
udp = socket.socket(type=socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 0))

CALLS = {
    "send": lambda: a.send(b"x"),
    "sendall": lambda: a.sendall(b"x"),
    "sendto": lambda: udp.sendto(b"x", udp.getsockname()),
    "sendmsg": lambda: a.sendmsg([b"x"]),
    "sendfile": lambda: a.sendfile(file),
    "sendfile of what is no file": lambda: a.sendfile(io.BytesIO(b"x")),
    "sendfile to one with a timeout": lambda: with_timeout.sendfile(file),
    "recv": lambda: b.recv(1),
    "recv_into": lambda: b.recv_into(bytearray(1)),
    "recvfrom": lambda: udp.recvfrom(1),
    "recvfrom_into": lambda: udp.recvfrom_into(bytearray(1)),
    "recvmsg": lambda: b.recvmsg(1)[0],
    "makefile": lambda: b.makefile("rb", buffering=0).readinto(bytearray(1)),
    "makefile write": lambda: a.makefile("wb", buffering=0).write(b"x"),
    "accept": lambda: listener.accept()[0],
    "connect": lambda: socket.socket().connect(listener.getsockname()),
    "create_connection": lambda: socket.create_connection(listener.getsockname()),
    "recv that does not block": lambda: quiet.recv(1),
    "send that does not block": lambda: quiet.send(b"x"),
    "os.sendfile": lambda: os.sendfile(a.fileno(), file.fileno(), 0, 1),
    "close": lambda: socket.socket().close(),
    "socketpair": lambda: [each.close() for each in socket.socketpair()],
}
quiet, other = socket.socketpair()
quiet.setblocking(False)
with_timeout, another = socket.socketpair()
with_timeout.settimeout(5)


async def each_call():
    # Printed afterwards: a write to standard output may block, too.
    return {name: outcome(call) for name, call in CALLS.items()}


async def echo():
    async def serve(reader, writer):
        writer.write(await reader.readline())
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"line\n")
        line = await reader.read()
        writer.close()
        return line


async def by_the_loop():
    loop = asyncio.get_running_loop()
    one, two = socket.socketpair()
    with one, two:
        one.setblocking(False)
        two.setblocking(False)
        await loop.sock_sendall(one, b"line\n")
        line = await loop.sock_recv(two, 10)
        sent = await loop.sock_sendfile(one, file)
        return line, sent


guard = BlockBuster()
for name in list(guard.functions):
    # The others change types of the interpreter's own: with them it may end in a crash.
    if not name.startswith(("socket.", "os.sendfile", "time.")):
        del guard.functions[name]
say("guarded", sorted(guard.functions))
guard.activate()
in_the_loop = asyncio.run(each_call())
streams = outcome(asyncio.run, echo())
in_methods = outcome(asyncio.run, by_the_loop())
outside = a.send(b"x"), b.recv(1)
guard.deactivate()
for name, result in in_the_loop.items():
    say(f"in the loop: {name}", result)
say("streams", streams)
say("by the loop", in_methods)
say("outside of a loop", outside)
say("afterwards", a.send(b"x"), b.recv(1))
