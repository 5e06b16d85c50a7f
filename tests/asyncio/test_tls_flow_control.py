"""TLS of an EventLoop: reading and writing that pauses, and how a connection ends."""

import asyncio
import threading

from support.loops import Collecting, run
from support.streams import contexts
from support.tls import complaints, connected, end, only_new, peer_in_thread, until

pytestmark = complaints
MIB = 1 << 20


def test_writing_pauses_and_goes_on(any_loop):
    async def main():
        ours, theirs, server = await connected(any_loop, Collecting)
        ours.transport.pause_reading()
        for _ in range(100):
            theirs.transport.write(bytes(MIB // 4))
            if theirs.paused:
                break
            await asyncio.sleep(0)
        assert theirs.paused == [True]
        written = theirs.transport.get_write_buffer_size()
        assert 0 < written < 8 * MIB
        ours.transport.resume_reading()
        await until(lambda: theirs.paused == [True, False])
        await end(server, theirs, ours)

    run(any_loop, main())


def test_what_is_kept_while_reading_pauses_is_bounded(any_loop):
    async def main():
        ours, theirs, server = await connected(any_loop, Collecting)
        get_size = getattr(ours.transport, "get_read_buffer_size", lambda: 0)
        ours.transport.pause_reading()
        theirs.transport.write(bytes(16 * MIB))
        for _ in range(50):
            await asyncio.sleep(0.002)
            assert get_size() <= MIB // 2  # the limit, and one receive more
        assert not ours.received
        ours.transport.resume_reading()
        await until(lambda: len(ours.received) == 16 * MIB)
        await end(server, theirs, ours)

    run(any_loop, main())


@only_new
def test_pausing_within_data_received(any_loop):
    class Halting(Collecting):
        def data_received(self, data):
            super().data_received(data)
            self.transport.pause_reading()

    async def main():
        ours, theirs, server = await connected(any_loop, Halting)
        for _ in range(20):
            theirs.transport.write(b"0123456789")
            await asyncio.sleep(0.001)
        seen = len(ours.received)
        assert seen < 200
        while len(ours.received) < 200:
            ours.transport.resume_reading()
            await asyncio.sleep(0.001)
        assert ours.received == b"0123456789" * 20
        await end(server, theirs, ours)

    run(any_loop, main())


def test_what_was_written_arrives_before_the_close(any_loop):
    async def main():
        ours, theirs, server = await connected(any_loop, Collecting)
        theirs.transport.write(bytes(4 * MIB))
        theirs.transport.close()
        await ours.lost
        assert len(ours.received) == 4 * MIB
        await end(server, theirs)

    run(any_loop, main())


@only_new
def test_a_shutdown_that_is_not_answered_has_a_limit(any_loop):
    async def main():
        made = any_loop.create_future()

        class Closing(Collecting):
            def connection_made(self, transport):
                super().connection_made(transport)
                made.set_result(self)

        server = await any_loop.create_server(
            Closing, "127.0.0.1", 0, ssl=contexts()[1], ssl_shutdown_timeout=0.1
        )
        ended = threading.Event()
        thread, _ = peer_in_thread(server.sockets[0].getsockname(), lambda peer: ended.wait(10))
        protocol = await made
        protocol.transport.close()
        error = await protocol.lost
        ended.set()
        await until(lambda: not thread.is_alive())
        server.close()
        assert isinstance(error, TimeoutError)

    run(any_loop, main())
