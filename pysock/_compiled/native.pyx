"""The shared object with all modules of the compiled backend, and the lists of these modules.

They are loaded in this order: each comes after the modules from which it cimports. `__init__.py`
loads MODULES. The room `profile` loads its own when it is imported: few programs need it.
"""

MODULES = (
    "core.socket_object",
    "core.method_descriptor",
    "core.socket_class",
    "core.buffers",
    "core.sockaddr",
    "core.gil_policy",
    "core.retry",
    "core.deadline",
    "io.zerocopy_pending",
    "connection.options",
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
    "selectors.overrides",
    "selectors.epoll",
)

PROFILE = (
    "profile.profiled",
)
