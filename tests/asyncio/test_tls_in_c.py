"""TLS of an EventLoop in C: what is sent, what costs, and what makes asyncio's own methods run."""

import asyncio
import ssl
import sys
import tracemalloc
from asyncio import sslproto

import pytest
from support.loops import Collecting, run
from support.streams import contexts
from support.tls import Echo, connected, end, peer_in_thread, tls_in_c, until

pytestmark = tls_in_c


async def echoed(loop, **contexts):
    """An echo over TLS, and the classes of the transport and its protocol."""
    ours, theirs, server = await connected(loop, Echo, **contexts)
    for data in b"data", b"more":
        theirs.received.clear()
        theirs.transport.write(data)
        await until(lambda data=data: theirs.received == data)
    transport = theirs.transport
    classes = type(transport), type(transport._ssl_protocol)
    await end(server, theirs, ours)
    return classes


ASYNCIOS = sslproto._SSLProtocolTransport, sslproto.SSLProtocol


def test_the_classes_are_subclasses_of_asyncios(c_loop):
    for ours, asyncios in zip(run(c_loop, echoed(c_loop)), ASYNCIOS, strict=True):
        assert ours is not asyncios
        assert issubclass(ours, asyncios)


def test_a_context_of_a_subclass_has_asyncios_own(c_loop):
    class Context(ssl.SSLContext):
        pass

    server = Context(ssl.PROTOCOL_TLS_CLIENT)
    server.load_verify_locations(cadata=b"".join(contexts()[0].get_ca_certs(binary_form=True)))
    assert run(c_loop, echoed(c_loop, client=server)) == ASYNCIOS


@pytest.mark.parametrize("name", ["SSLProtocol", "_SSLProtocolTransport"])
def test_a_class_that_is_replaced_is_used(c_loop, monkeypatch, name):
    replaced = type(name, (getattr(sslproto, name),), {})
    monkeypatch.setattr(sslproto, name, replaced)
    assert replaced in run(c_loop, echoed(c_loop))


def counting(function, calls):
    def counted(*arguments, **named):
        calls.append(function.__name__)
        return function(*arguments, **named)

    return counted


PATCHED = [
    *((sslproto.SSLProtocol, name) for name in (
        "_control_app_writing", "_control_ssl_reading", "_do_read", "_do_read__copied",
        "_do_write", "_process_outgoing", "_write_appdata", "buffer_updated", "get_buffer",
        "_get_write_buffer_size", "_get_read_buffer_size",
    )),
    (sslproto._SSLProtocolTransport, "write"),
    (ssl.SSLObject, "read"),
    (ssl.SSLObject, "write"),
]  # fmt: skip


@pytest.mark.parametrize(("cls", "name"), PATCHED, ids=lambda part: getattr(part, "__name__", part))
def test_a_method_that_is_patched_is_called(c_loop, monkeypatch, cls, name):
    calls = []
    monkeypatch.setattr(cls, name, counting(getattr(cls, name), calls))
    assert "patched" in c_loop.not_accelerated()
    run(c_loop, echoed(c_loop))
    assert len(calls) >= 4
    monkeypatch.undo()
    assert c_loop.not_accelerated() is None


def test_a_method_that_is_patched_within_a_connection_is_called(c_loop, monkeypatch):
    calls = []

    async def main():
        ours, theirs, server = await connected(c_loop, Echo)
        monkeypatch.setattr(
            sslproto.SSLProtocol,
            "_do_read__copied",
            counting(sslproto.SSLProtocol._do_read__copied, calls),
        )
        theirs.transport.write(b"data")
        await until(lambda: theirs.received == b"data")
        assert len(calls) >= 2
        await end(server, theirs, ours)

    run(c_loop, main())


def test_a_method_of_an_instance_is_called(c_loop):
    calls = []

    async def main():
        ours, theirs, server = await connected(c_loop, Echo)
        for found in theirs.transport._ssl_protocol, theirs.transport.get_extra_info("ssl_object"):
            name = "_process_outgoing" if hasattr(found, "_process_outgoing") else "write"
            setattr(found, name, counting(getattr(found, name), calls))
        theirs.transport.write(b"data")
        await until(lambda: theirs.received == b"data")
        assert {"_process_outgoing", "write"} <= set(calls)
        await end(server, theirs, ours)

    run(c_loop, main())


def test_a_profile_function_hears_asyncios_methods(c_loop):
    heard = set()

    async def main():
        ours, theirs, server = await connected(c_loop, Echo)
        sys.setprofile(lambda frame, event, argument: heard.add(frame.f_code))
        try:
            theirs.transport.write(b"data")
            await until(lambda: theirs.received == b"data")
        finally:
            sys.setprofile(None)
        await end(server, theirs, ours)

    run(c_loop, main())
    for name in "_do_read__copied", "_process_outgoing", "_write_appdata":
        assert getattr(sslproto.SSLProtocol, name).__code__ in heard
    assert ssl.SSLObject.read.__code__ in heard


def test_debug_mode(c_loop):
    c_loop.set_debug(True)
    run(c_loop, echoed(c_loop))


def records_of(loop, write):
    """What a peer receives of *write* of a transport: how many records, in how many receives."""

    async def main():
        class Writing(Collecting):
            def data_received(self, data):
                write(self.transport)

        server = await loop.create_server(Writing, "127.0.0.1", 0, ssl=contexts()[1])

        def talk(peer):
            peer.incoming.write(peer.sock.recv(65536))  # the tickets
            peer.send(peer.records(b"?"))
            raw = peer.sock.recv(65536)
            sizes = []
            left = raw
            while left:
                sizes.append(int.from_bytes(left[3:5], "big"))
                left = left[5 + sizes[-1] :]
            peer.incoming.write(raw)
            return sizes, len(peer.tls.read(65536))

        thread, results = peer_in_thread(server.sockets[0].getsockname(), talk)
        await until(lambda: not thread.is_alive())
        server.close()
        await asyncio.sleep(0.01)
        return results[0]

    return run(loop, main())


def test_a_write_is_a_record(c_loop):
    sizes, first = records_of(c_loop, lambda transport: transport.write(bytes(100)))
    assert (sizes, first) == ([117], 100)


def test_lines_that_fit_into_a_record_leave_in_one(c_loop):
    lines = [bytes(10)] * 30 + [bytearray(10), memoryview(bytes(10))]
    assert records_of(c_loop, lambda transport: transport.writelines(lines)) == ([337], 320)


def test_writes_of_a_callback_leave_together(pysock, only_c):
    def write(transport):
        transport.write(b"head")
        transport.write(b"body")

    loop = pysock.EventLoop(coalesce_writes=True)
    assert records_of(loop, write) == ([21, 21], 4)
    loop.close()


def test_what_coalesces_is_sent_where_the_transport_is_closing(pysock, only_c):
    """The last record is written when the buffer of a closing transport is empty."""
    loop = pysock.EventLoop(coalesce_writes=True)

    async def main():
        ours, theirs, server = await connected(loop, Collecting)
        ours.transport.pause_reading()
        theirs.transport.write(bytes(8 << 20))
        theirs.transport.close()
        await asyncio.sleep(0.01)
        ours.transport.resume_reading()
        await ours.lost
        assert len(ours.received) == 8 << 20
        await end(server, theirs)

    run(loop, main())
    loop.close()


def test_what_coalesces_is_sent_before_an_abort(pysock, only_c):
    class Aborting(Collecting):
        def data_received(self, data):
            self.transport.write(b"the last words")
            self.transport.abort()

    loop = pysock.EventLoop(coalesce_writes=True)

    async def main():
        ours, theirs, server = await connected(loop, Aborting)
        theirs.transport.write(b"?")
        await theirs.lost
        assert theirs.received == b"the last words"
        await end(server, ours)

    run(loop, main())
    loop.close()


def test_a_connection_needs_no_receive_buffer(c_loop, plain_loop):
    """asyncio allocates 256 KiB for each."""

    def allocated(loop):
        async def main():
            first = await connected(loop, Echo)
            tracemalloc.start()
            second = await connected(loop, Echo)
            size, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            for ours, theirs, server in first, second:
                await end(server, theirs, ours)
            return size

        return run(loop, main())

    assert allocated(c_loop) + 2 * 250_000 < allocated(plain_loop)


def test_the_attributes_that_c_code_reads_are_slots(c_loop):
    async def main():
        ours, theirs, server = await connected(c_loop, Echo)
        protocol = theirs.transport._ssl_protocol
        assert "_state" not in vars(protocol)
        assert protocol._state is sslproto.SSLProtocolState.WRAPPED
        await end(server, theirs, ours)

    run(c_loop, main())
