"""Where connections do not come about: black holes, ports that refuse, a network that is broken."""

import contextlib
import os
import select
import socket
import subprocess
import time

from support.datagrams import network_namespace


class BlackHole:
    """A listener with a full backlog: the kernel drops whatever else wants to connect."""

    def __init__(self, family=socket.AF_INET):
        self.listener = socket.socket(family)
        self.listener.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        self.listener.listen(0)
        self.address = self.listener.getsockname()
        self.inside = socket.create_connection(self.address[:2])
        came_in, _, _ = select.select([self.listener], [], [], 20)
        assert came_in

    def open(self):
        """Make room. Who was dropped comes in when his kernel tries again, after a second."""
        self.listener.accept()[0].close()

    def close(self):
        self.inside.close()
        self.listener.close()


@contextlib.contextmanager
def refusing_address():
    """The address of a port where nobody listens, and that nobody else can get."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()


NETWORK = """\
link set lo up
link add v0 type veth peer name v1
link set v0 up
link set v1 up
address add 192.0.2.1/24 dev v0
address add 2001:db8::1/64 dev v0 nodad
neighbour add 192.0.2.2 lladdr 02:00:00:00:00:99 dev v0
neighbour add 2001:db8::2 lladdr 02:00:00:00:00:99 dev v0
route add unreachable 198.51.100.0/24
"""


@contextlib.contextmanager
def broken_network(of_its_own=True):
    """Addresses that swallow what is sent to them: of IPv6, of IPv4; one that fails at once.

    In a network of its own, where what is sent to them goes to an Ethernet address that nobody has.
    Where the system allows none: black holes on loopback, and a port that refuses.
    """
    with contextlib.ExitStack() as stack:
        try:
            if not of_its_own:
                raise PermissionError
            stack.enter_context(network_namespace())
            subprocess.run(
                ["ip", "-batch", "-"], input=NETWORK, text=True, check=True, capture_output=True
            )
        except (PermissionError, FileNotFoundError, subprocess.CalledProcessError):
            stack.close()
            v6, v4 = (
                stack.enter_context(contextlib.closing(BlackHole(family))).address
                for family in (socket.AF_INET6, socket.AF_INET)
            )
            refused = stack.enter_context(refusing_address())
        else:
            v6, v4, refused = ("2001:db8::2", 80, 0, 0), ("192.0.2.2", 80), ("198.51.100.2", 80)
        yield v6, v4, refused


def found(addresses):
    """What `getaddrinfo()` returns for a name that has these *addresses*."""
    return [
        (
            socket.AF_INET6 if len(address) == 4 else socket.AF_INET,
            socket.SOCK_STREAM,
            socket.IPPROTO_TCP,
            "",
            address,
        )
        for address in addresses
    ]


def descriptors():
    return len(os.listdir("/proc/self/fd"))


@contextlib.contextmanager
def takes(least, most):
    """What is done takes between *least* and *most* seconds."""
    begin = time.monotonic()
    yield
    assert least <= time.monotonic() - begin < most
