"""Listeners that share one address by SO_REUSEPORT: create_server and reuse_port_listeners."""

import ipaddress
import os
import pathlib
import resource
import select
import socket

import pytest
from support.connections import descriptors

V4 = ["127.0.0.1", b"127.0.0.1", 0x7F000001, ipaddress.ip_address("127.0.0.1"), "localhost"]
V6 = ["::1", 1, ipaddress.ip_address("::1")]
FORMS = [(socket.AF_INET, host) for host in V4] + [(socket.AF_INET6, host) for host in V6]


def option(sock):
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)


@pytest.mark.parametrize("family, host", FORMS)
def test_create_server(pysock, family, host):
    with pysock.create_server((host, "0"), family=family, reuse_port=True) as first:
        number = first.getsockname()[1]
        again = {"family": family, "reuse_port": True, "backlog": 3}
        with pysock.create_server((host, str(number)), **again) as second:
            assert type(first) is type(second) is pysock.socket
            assert option(first) == option(second) == 1
            assert first.getsockname() == second.getsockname()
        with pytest.raises(OSError, match="in use"):
            pysock.create_server((host, number), family=family)


def test_create_server_at_a_path(pysock, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in (pathlib.Path("a"), "b", b"c"):
        with pysock.create_server(path, family=pysock.AF_UNIX) as server:
            assert server.getsockname() == os.fsdecode(path)


@pytest.mark.parametrize("reuse_port", [False, True])
def test_create_server_of_both_families(pysock, reuse_port):
    options = {"family": pysock.AF_INET6, "dualstack_ipv6": True, "reuse_port": reuse_port}
    with pysock.create_server((0, 0), **options) as server:
        server.settimeout(20)
        for host in ("127.0.0.1", "::1"):
            with pysock.create_connection((host, server.getsockname()[1])):
                server.accept()[0].close()


def test_create_server_names_a_service_that_is_unknown(pysock):
    with pytest.raises(OSError, match="nosuchservice"):
        pysock.create_server(("127.0.0.1", "nosuchservice"))


@pytest.mark.parametrize("family, host", FORMS)
@pytest.mark.parametrize("n", [1, 2, 5])
def test_listeners(pysock, family, host, n):
    listeners = pysock.reuse_port_listeners((host, 0), n, family=family)
    try:
        assert [type(each) for each in listeners] == [pysock.socket] * n
        assert len({each.fileno() for each in listeners}) == n
        (address,) = {each.getsockname() for each in listeners}
        assert address[1] != 0
        assert {option(each) for each in listeners} == {1}
        more = pysock.reuse_port_listeners((host, str(address[1])), 2, family=family, backlog=1)
        listeners += more
        assert {each.getsockname() for each in listeners} == {address}
    finally:
        for each in listeners:
            each.close()


def test_each_connection_goes_to_one_of_them(pysock):
    listeners = pysock.reuse_port_listeners(("127.0.0.1", 0), 4)
    try:
        address = listeners[0].getsockname()
        served = [0] * 4
        for at in range(256):
            with pysock.create_connection(address, 20) as client:
                ready, _, _ = select.select(listeners, [], [], 20)
                (one,) = ready
                served[listeners.index(one)] += 1
                connection, _ = one.accept()
                with connection:
                    client.sendall(b"%d" % at)
                    assert connection.recv(10) == b"%d" % at
        assert sum(served) == 256
        assert min(served) > 0, served
    finally:
        for each in listeners:
            each.close()


@pytest.mark.parametrize(
    "n, error", [(0, ValueError), (-1, ValueError), (1.0, TypeError), ("2", TypeError)]
)
def test_a_number_that_is_none(pysock, n, error):
    with pytest.raises(error):
        pysock.reuse_port_listeners(("127.0.0.1", 0), n)


def test_an_address_that_is_taken(pysock, listener):
    before = descriptors()
    with pytest.raises(OSError, match="in use"):
        pysock.reuse_port_listeners(listener.getsockname(), 3)
    assert descriptors() == before


def test_if_one_cannot_be_made_all_are_closed(pysock):
    before = descriptors()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(map(int, os.listdir("/proc/self/fd")))
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 3, limits[1]))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            pysock.reuse_port_listeners(("127.0.0.1", 0), 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert descriptors() == before
