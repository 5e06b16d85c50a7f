"""sendfile of every kind of file and every part of it: result, position, bytes as with `socket`."""

import contextlib
import io
import os
import socket

import pytest


class OnlyRead:
    """What the documentation asks of a file, and no more."""

    def __init__(self, data):
        self._data = io.BytesIO(data)
        self.read = self._data.read


class NoDescriptor(io.BytesIO):
    def fileno(self):
        raise io.UnsupportedOperation("no descriptor")


class OthersDescriptor(io.BytesIO):
    """Says that it has a descriptor, of something that sendfile(2) does not take."""

    def __init__(self, data, fd):
        super().__init__(data)
        self.fileno = lambda: fd


@contextlib.contextmanager
def opened(kind, path):
    """A file of some kind with the ten bytes 0123456789."""
    data = b"0123456789"
    if not path.exists():
        path.write_bytes(data)
    if kind == "file":
        with open(path, "rb") as file:
            yield file
    elif kind == "file, half read":
        with open(path, "rb") as file:
            file.read(5)
            yield file
    elif kind == "unbuffered file":
        with open(path, "rb", buffering=0) as file:
            yield file
    elif kind == "file for reading and writing":
        with open(path, "r+b") as file:
            yield file
    elif kind == "file for writing":
        with open(path, "ab") as file:
            yield file
    elif kind == "closed file":
        file = open(path, "rb")
        file.close()
        yield file
    elif kind == "text file":
        with open(path) as file:
            yield file
    elif kind == "empty file":
        path.with_name("empty").touch()
        with open(path.with_name("empty"), "rb") as file:
            yield file
    elif kind == "memory file":
        with open(os.memfd_create("memory"), "w+b") as file:
            file.write(data)
            file.flush()
            yield file
    elif kind == "pipe":
        r, w = os.pipe()
        with open(r, "rb", buffering=0) as file, open(w, "wb", buffering=0) as writing:
            writing.write(data)
            yield file
    elif kind == "device":
        with open("/dev/zero", "rb", buffering=0) as file:
            yield file
    elif kind == "file of the kernel":
        with open("/proc/self/comm", "rb") as file:
            yield file
    elif kind == "directory":
        fd = os.open(path.parent, os.O_RDONLY)
        yield OthersDescriptor(data, fd)
        os.close(fd)
    elif kind == "no such descriptor":
        yield OthersDescriptor(data, 10**6)
    elif kind == "what is no descriptor":
        yield OthersDescriptor(data, "1")
    elif kind == "descriptor":
        yield 3
    else:
        classes = {"BytesIO": io.BytesIO, "only read": OnlyRead, "no descriptor": NoDescriptor}
        yield classes[kind](data)


KINDS = [
    "file",
    "file, half read",
    "unbuffered file",
    "file for reading and writing",
    "file for writing",
    "closed file",
    "text file",
    "empty file",
    "memory file",
    "pipe",
    "device",
    "file of the kernel",
    "directory",
    "no such descriptor",
    "what is no descriptor",
    "descriptor",
    "BytesIO",
    "only read",
    "no descriptor",
]
PARTS = [
    (),
    (0, None),
    (3,),
    (10,),
    (11,),
    (1000, 5),
    (0, 4),
    (4, 4),
    (8, 100),
    (0, 2**40),
    (0, 2**63 - 1),
    (0, 2**63),
    (0, 2**70),
    (0, True),
    (0, 0),
    (0, -1),
    (0, "1"),
    (0, 1.0),
    (-1,),
    (None,),
    ("1",),
    (1.5,),
    (2**63,),
    (2**63 - 1,),
    (-(2**70),),
]


def position(file):
    try:
        return file.tell()
    except (AttributeError, ValueError, OSError) as error:
        return type(error)


def outcome(module, prepare, kind, part, path):
    """What came of it: the result or the exception, where the file stands, what arrived."""
    a, b = module.socketpair()
    with a, b, opened(kind, path) as file:
        prepare(a)
        try:
            result = a.sendfile(file, *part)
        except Exception as error:
            result = type(error), str(error)
        where = position(file)
        arrived = b""
        with contextlib.suppress(BlockingIOError):
            arrived = b.recv(1000, socket.MSG_DONTWAIT)
        return result, where, arrived


MODES = {
    "blocking": lambda sock: sock.settimeout(None),
    "timeout": lambda sock: sock.settimeout(5),
    "non-blocking": lambda sock: sock.settimeout(0),
    "closed": lambda sock: sock.close(),
    "shut down": lambda sock: sock.shutdown(socket.SHUT_WR),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", MODES)
def test_as_the_standard_library(pysock, tmp_path, kind, mode):
    for part in PARTS:
        expected = outcome(socket, MODES[mode], kind, part, tmp_path / "data")
        came = outcome(pysock, MODES[mode], kind, part, tmp_path / "data")
        assert came == expected, part


def test_what_it_is_for(net, tmp_path):
    """That the oracle is right, too."""
    whole = outcome(net, MODES["timeout"], "file", (), tmp_path / "data")
    assert whole == (10, 10, b"0123456789")
    part = outcome(net, MODES["blocking"], "file, half read", (2, 5), tmp_path / "data")
    assert part == (5, 7, b"23456")
    beyond = outcome(net, MODES["blocking"], "file, half read", (11,), tmp_path / "data")
    assert beyond == (0, 5, b"")
    memory = outcome(net, MODES["blocking"], "BytesIO", (8, 100), tmp_path / "data")
    assert memory == (2, 10, b"89")


@pytest.mark.parametrize("kind", ["SOCK_DGRAM", "SOCK_SEQPACKET"])
def test_streams_only(pysock, tmp_path, kind):
    for data in (b"", b"x"):
        (tmp_path / "data").write_bytes(data)
        for module in (pysock, socket):
            a, b = module.socketpair(module.AF_UNIX, getattr(module, kind))
            with a, b, open(tmp_path / "data", "rb") as file:
                if kind == "SOCK_DGRAM":
                    with pytest.raises(ValueError):
                        a.sendfile(file)
                else:
                    assert a.sendfile(file) == len(data)
