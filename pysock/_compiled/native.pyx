"""The shared object that all modules of the compiled backend are in, and their list.

A module stands behind those that it cimports from: `__init__.py` loads them in this order.
"""

MODULES = (
    "core.socket_object",
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
    "datagrams.batch",
    "stream.lock",
    "stream.read_buffer",
    "stream.write_buffer",
    "stream.base",
    "stream.stream",
    "selectors.registered",
    "selectors.epoll",
)
