"""TLS of an EventLoop: transports, streams, start_tls, what a context is asked."""

import asyncio
import contextvars
import ssl
import threading

import pytest
import trustme
from support.loops import Collecting, run
from support.streams import contexts
from support.tls import Echo, Peer, complaints, connected, end, only_new, until

pytestmark = complaints


@pytest.mark.parametrize("size", [1, 16384, 16385, 300_000, 3_000_000])
def test_every_byte_is_echoed(any_loop, size):
    data = bytes(range(256)) * (size // 256 + 1)
    data = data[:size]

    async def main():
        ours, theirs, server = await connected(any_loop, Echo)
        theirs.transport.write(data)
        await until(lambda: len(theirs.received) == size)
        assert theirs.received == ours.received == data
        await end(server, theirs, ours)

    run(any_loop, main())


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_kinds_of_data(any_loop, kind):
    async def main():
        ours, theirs, server = await connected(any_loop, Collecting)
        theirs.transport.write(kind(b"data"))
        theirs.transport.write(kind(b""))
        theirs.transport.writelines([kind(b" and"), b"", kind(b" lines")])
        theirs.transport.writelines(kind(piece) for piece in (b" of", b" all"))
        await until(lambda: len(ours.received) == 21)
        assert ours.received == b"data and lines of all"
        await end(server, theirs, ours)

    run(any_loop, main())


def refusals(loop):
    async def main():
        ours, theirs, server = await connected(loop, Collecting)
        found = []
        loop.set_exception_handler(
            lambda loop, context: found.append((context["message"], str(context["exception"])))
        )
        for write in (
            lambda: theirs.transport.write("text"),
            lambda: theirs.transport.writelines(["text"]),
            lambda: theirs.transport.writelines(3),
            lambda: theirs.transport.write_eof(),
        ):
            try:
                found.append(write())
            except Exception as error:
                found.append((type(error), str(error)))
        ours.transport.abort(), theirs.transport.abort()
        await ours.lost, await theirs.lost
        found.append(theirs.transport.write(b"late"))
        await end(server)
        return found

    return run(loop, main())


def test_what_is_refused(any_loop, plain_loop):
    assert refusals(any_loop) == refusals(plain_loop)


@only_new
def test_a_write_of_strided_memory_ends_the_connection_as_in_asyncio(any_loop, plain_loop):
    def outcome(loop):
        async def main():
            ours, theirs, server = await connected(loop, Collecting)
            told = []
            loop.set_exception_handler(
                lambda loop, context: told.append((context["message"], repr(context["exception"])))
            )
            theirs.transport.write(memoryview(bytes(10))[::2])
            theirs.transport.writelines([b"a", memoryview(bytes(10))[::2]])
            error = await theirs.lost
            await end(server, ours)
            return told, repr(error), theirs.transport.get_write_buffer_size()

        return run(loop, main())

    assert outcome(any_loop) == outcome(plain_loop)


INFO = ("cipher", "compression", "peercert", "nothing")


def test_extra_info(any_loop, plain_loop):
    def found(loop):
        async def main():
            ours, theirs, server = await connected(loop, Collecting)
            info = [
                [protocol.transport.get_extra_info(name, "default") for name in INFO]
                for protocol in (ours, theirs)
            ]
            get = theirs.transport.get_extra_info
            assert get("sslcontext") is contexts()[0]
            assert type(get("ssl_object")) is ssl.SSLObject
            assert get("peername") == get("socket").getpeername()
            assert isinstance(theirs.transport, asyncio.sslproto._SSLProtocolTransport)
            await end(server, theirs, ours)
            return info

        return run(loop, main())

    assert found(any_loop) == found(plain_loop)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_alpn_names_and_certificates_of_clients(any_loop, version):
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server)
    authority.issue_cert("client").configure_cert(client)
    for context in server, client:
        authority.configure_trust(context)
        context.set_alpn_protocols(["h2", "http/1.1"])
        context.maximum_version = version
    server.verify_mode = ssl.CERT_REQUIRED
    names = []
    server.sni_callback = lambda sslobj, name, context: names.append((type(sslobj), name))

    async def main():
        ours, theirs, listener = await connected(any_loop, Echo, server=server, client=client)
        theirs.transport.write(b"data")
        await until(lambda: theirs.received == b"data")
        sslobj = ours.transport.get_extra_info("ssl_object")
        assert (sslobj.selected_alpn_protocol(), names) == ("h2", [(ssl.SSLObject, "localhost")])
        subject = ours.transport.get_extra_info("peercert")["subjectAltName"]
        assert subject == (("DNS", "client"),)
        await end(listener, theirs, ours)

    run(any_loop, main())


def test_a_certificate_that_is_not_known(any_loop, plain_loop):
    def outcome(loop):
        async def main():
            told = []
            loop.set_exception_handler(lambda loop, context: told.append(context["message"]))
            try:
                await connected(loop, Collecting, client=ssl.create_default_context())
            except ssl.SSLCertVerificationError as error:
                return error.verify_message, error.reason, told

        return run(loop, main())

    assert outcome(any_loop) == outcome(plain_loop) is not None


def test_streams(any_loop):
    async def serve(reader, writer):
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()
        writer.close()

    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=contexts()[1])
        reader, writer = await asyncio.open_connection(
            *server.sockets[0].getsockname(), ssl=contexts()[0], server_hostname="localhost"
        )
        for line in b"one\n", b"x" * 60_000 + b"\n":
            writer.writelines([line[:1], line[1:]])
            assert await reader.readuntil(b"\n") == line
        writer.close()
        await writer.wait_closed()
        server.close()
        await asyncio.sleep(0.02)

    run(any_loop, main())


async def start_tls_on(loop, layers):
    """An echo over *layers* of TLS that both sides start on a connection."""
    done = loop.create_future()
    tasks = []

    class Upgrading(asyncio.Protocol):
        def connection_made(self, transport):
            tasks.append(loop.create_task(upgrade(transport)))

    async def upgrade(transport):
        for layer in range(layers):
            protocol = Echo() if layer == layers - 1 else asyncio.Protocol()
            transport = await loop.start_tls(transport, protocol, contexts()[1], server_side=True)
        protocol.connection_made(transport)
        done.set_result(protocol)

    server = await loop.create_server(Upgrading, "127.0.0.1", 0)
    transport, _ = await loop.create_connection(asyncio.Protocol, *server.sockets[0].getsockname())
    client = Collecting()
    for layer in range(layers):
        protocol = client if layer == layers - 1 else asyncio.Protocol()
        transport = await loop.start_tls(
            transport, protocol, contexts()[0], server_hostname="localhost"
        )
    client.connection_made(transport)
    ours = await done
    data = bytes(200_000)
    transport.write(b"first")
    await until(lambda: client.received == b"first")
    transport.write(data)
    await until(lambda: len(client.received) == len(data) + 5)
    transport.close()
    await client.lost, await ours.lost
    server.close()
    await asyncio.sleep(0.02)


@pytest.mark.parametrize("layers", [1, *(pytest.param(n, marks=only_new) for n in (2, 3))])
def test_start_tls(any_loop, layers):
    """Two layers are TLS in TLS, as an HTTPS proxy needs it."""
    run(any_loop, start_tls_on(any_loop, layers))


def test_start_tls_refuses_what_asyncio_refuses(any_loop, plain_loop):
    def found(loop):
        async def main():
            answers = []
            for transport, context in ((None, None), (None, contexts()[0])):
                try:
                    await loop.start_tls(transport, asyncio.Protocol(), context)
                except TypeError as error:
                    answers.append(str(error))
            with pytest.raises(TypeError):
                await loop.start_tls(None)
            return answers

        return run(loop, main())

    assert found(any_loop) == found(plain_loop)


def test_a_session_is_used_again(any_loop):
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(cadata=b"".join(contexts()[0].get_ca_certs(binary_form=True)))
    client.maximum_version = ssl.TLSVersion.TLSv1_2

    async def main():
        ours, theirs, server = await connected(any_loop, Echo, client=client)
        session = theirs.transport.get_extra_info("ssl_object").session
        address = server.sockets[0].getsockname()

        def talk(peer):
            peer.send(peer.records(b"data"))
            peer.send(peer.close_notify())
            return peer.tls.session_reused, peer.received()

        results = []

        def work():
            peer = Resuming(address, session, client)
            try:
                results.append(talk(peer))
            finally:
                peer.close()

        await end(server, theirs, ours)
        again = await any_loop.create_server(Echo, "127.0.0.1", 0, ssl=contexts()[1])
        address = again.sockets[0].getsockname()
        thread = threading.Thread(target=work)
        thread.start()
        await until(lambda: not thread.is_alive())
        again.close()
        await asyncio.sleep(0.01)
        assert results == [(True, b"data")]

    class Resuming(Peer):
        def __init__(self, address, session, context):
            self.shared = context
            super().__init__(address, session=session)

        def context(self, keys):
            keys.touch()
            return self.shared

    run(any_loop, main())


def test_an_error_of_the_application_ends_the_connection(any_loop, plain_loop):
    class Failing(Collecting):
        def data_received(self, data):
            raise ValueError("no")

    def outcome(loop):
        async def main():
            told = []
            loop.set_exception_handler(
                lambda loop, context: told.append((context["message"], repr(context["exception"])))
            )
            ours, theirs, server = await connected(loop, Failing)
            theirs.transport.write(b"data")
            error = await ours.lost
            await end(server, theirs)
            return told, repr(error)

        return run(loop, main())

    assert outcome(any_loop) == outcome(plain_loop)


def contexts_of_callbacks(loop, encrypted):
    """The value of a variable that the callbacks of a server and of a client see."""
    variable = contextvars.ContextVar("variable", default="none")
    seen = []

    class Sees(Collecting):
        def connection_made(self, transport):
            seen.append((type(self).__name__, "made", variable.get()))
            super().connection_made(transport)
            transport.write(b"data")

        def data_received(self, data):
            seen.append((type(self).__name__, "received", variable.get()))
            super().data_received(data)

    class Server(Sees):
        pass

    class Client(Sees):
        pass

    async def main():
        client, server_side = contexts() if encrypted else (None, None)
        variable.set("server")
        server = await loop.create_server(Server, "127.0.0.1", 0, ssl=server_side)
        variable.set("client")
        name = {"ssl": client, "server_hostname": "localhost"} if encrypted else {}
        address = server.sockets[0].getsockname()
        _, protocol = await loop.create_connection(Client, *address, **name)
        variable.set("later")
        await until(lambda: len(seen) == 4)
        await end(server, protocol)

    run(loop, main())
    return sorted(seen)


@pytest.mark.parametrize("encrypted", [True, False])
def test_callbacks_run_in_the_context_of_asyncios(any_loop, plain_loop, encrypted):
    """Since Python 3.15 it is that of the call that made the server or the connection."""
    found = contexts_of_callbacks(any_loop, encrypted)
    assert found == contexts_of_callbacks(plain_loop, encrypted)
