"""create_connection: what stays the standard library's."""

import os
import sys

import pytest

GROUPS = sys.version_info >= (3, 11)


def test_without_a_keyword_one_frame_stands_before_the_standard_librarys(pysock, listener):
    frames = []

    def profile(frame, event, arg):
        if event == "call":
            frames.append((os.path.basename(frame.f_code.co_filename), frame.f_code.co_name))

    sys.setprofile(profile)
    try:
        sock = pysock.create_connection(listener.getsockname(), 5)
    finally:
        sys.setprofile(None)
    sock.close()
    assert frames[:2] == [("_connect.py", "create_connection"), ("socket.py", "create_connection")]
    assert [file for file, _ in frames].count("_connect.py") == 1


def test_all_errors_is_the_interpreters_own(net, refusing):
    if GROUPS:
        with pytest.raises(ExceptionGroup) as caught:  # noqa: F821
            net.create_connection(refusing, all_errors=True)
        assert [type(each) for each in caught.value.exceptions] == [ConnectionRefusedError]
    else:
        with pytest.raises(TypeError, match="all_errors"):
            net.create_connection(refusing, all_errors=True)


def test_a_host_that_is_none_is_loopback_of_either_family(net):
    with net.create_server(("::1", 0), family=net.AF_INET6) as server:
        with net.create_connection((None, server.getsockname()[1])) as sock:
            assert sock.getpeername() == server.getsockname()
    with net.create_server(("127.0.0.1", 0)) as server:
        with net.create_connection((None, server.getsockname()[1])) as sock:
            assert sock.getpeername() == server.getsockname()
