"""TLS of an EventLoop: a peer that floods costs no more than on asyncio's own loop."""

import asyncio
import os
import time

import pytest
from support.loops import run
from support.streams import contexts
from support.tls import DATA, Echo, complaints, peer_in_thread, until

MIB = 1 << 20
pytestmark = complaints
UPDATES = 2000
ANSWER = 64  # bytes of the record that answers one, at most
MESSAGE = b"after the flood"


def update_keys(peer):
    """Change the key thousands of times, and ask the server to do so, too."""
    for _ in range(UPDATES // 100):
        peer.send(b"".join(peer.key_update() for _ in range(100)))
    peer.send(peer.made_record(DATA, MESSAGE))
    return peer.next()


def ask_again_and_again(peer):
    """The same, and read an answer between two updates."""
    received = b""
    for _ in range(UPDATES // 100):
        peer.send(b"".join(peer.key_update() for _ in range(99)) + peer.made_record(DATA, b"?"))
        received += peer.next()
    peer.send(peer.made_record(DATA, MESSAGE))
    while len(received) < UPDATES // 100 + len(MESSAGE):
        received += peer.next()
    return received


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cost(loop, talk):
    """What the peer received; the bytes kept, the growth of the process at most; the time."""

    async def main():
        made = loop.create_future()

        class Server(Echo):
            def connection_made(self, transport):
                super().connection_made(transport)
                self.below = transport._ssl_protocol._transport
                made.set_result(self)

        server = await loop.create_server(Server, "127.0.0.1", 0, ssl=contexts()[1])
        before, begun = resident(), time.thread_time()
        thread, results = peer_in_thread(server.sockets[0].getsockname(), talk)
        protocol = await made
        kept = grown = 0
        while thread.is_alive() and not protocol.lost.done():
            await asyncio.sleep(0.001)
            kept = max(kept, protocol.below.get_write_buffer_size())
            grown = max(grown, resident() - before)
        seconds = time.thread_time() - begun
        await protocol.lost
        await until(lambda: not thread.is_alive())
        server.close()
        await asyncio.sleep(0.01)
        return results, kept, grown, seconds

    return run(loop, main())


@pytest.mark.parametrize("talk", [update_keys, ask_again_and_again], ids=lambda talk: talk.__name__)
def test_key_updates(any_loop, plain_loop, talk):
    ours, asyncios = cost(any_loop, talk), cost(plain_loop, talk)
    for results, kept, grown, _ in ours, asyncios:
        assert [received[-len(MESSAGE) :] for received in results] == [MESSAGE]
        assert kept <= ANSWER * UPDATES
        assert grown < 16 * MIB
    assert ours[0] == asyncios[0]
    assert ours[-1] < 2 * asyncios[-1] + 0.2
