"""The shared object with all modules of the compiled backend, and the lists of these modules.

They are loaded in this order: each comes after the modules from which it cimports. `__init__.py`
loads MODULES. The rooms `asyncio` and `profile` load their own when they are imported: not every program
needs them.
"""

MODULES = (
    "core.socket_object",
    "core.method_descriptor",
    "core.socket_class",
    "core.module_names",
    "core.buffers",
    "core.sockaddr",
    "core.gil_policy",
    "core.retry",
    "core.deadline",
    "io.zerocopy_pending",
    "connection.options",
    "connection.creation",
    "connection.lifecycle",
    "connection.addrinfo",
    "io.transfer",
    "io.recv_exactly",
    "io.sendall",
    "io.message",
    "io.file",
    "io.unix",
    "io.splice",
    "io.zerocopy",
    "datagrams.ancillary",
    "datagrams.capabilities",
    "datagrams.outgoing",
    "datagrams.recvmmsg",
    "datagrams.sendmmsg",
    "datagrams.slots",
    "datagrams.datagram",
    "datagrams.batch",
    "stream.lock",
    "stream.read_buffer",
    "stream.write_buffer",
    "stream.base",
    "stream.stream",
    "selectors.registered",
    "selectors.key",
    "selectors.overrides",
    "selectors.registration",
    "selectors.epoll",
)

ASYNCIO = (
    "asyncio.original_methods",
    "asyncio.handle",
    "asyncio.timers",
    "asyncio.loop",
    "asyncio.turn",
    "asyncio.sockets",
    "asyncio.readers",
    "asyncio.accept",
    "asyncio.sock_operation",
    "asyncio.datagram_transport",
    "asyncio.stream_reader",
    "asyncio.socket_transport",
    "asyncio.transport_read",
    "asyncio.stream_writer",
    "asyncio.transport_map",
    "asyncio.transport_init",
    "asyncio.ssl_objects",
    "asyncio.ssl_protocol",
    "asyncio.ssl_writing",
    "asyncio.ssl_reading",
)

PROFILE = (
    "profile.profiled",
)
