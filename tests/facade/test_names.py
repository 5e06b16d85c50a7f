"""The module's names: all of `socket`'s, the PF_* names, the kernel's constants, the version."""

import inspect
import os
import pickle
import platform
import re
import selectors
import shutil
import socket
import subprocess
import sys
import types

import pytest
from support.paths import ROOT


def test_every_name_of_socket_is_here(pysock):
    missing = {name for name in dir(socket) if name not in dir(pysock)}
    assert not missing
    assert set(socket.__all__) <= set(pysock.__all__)
    assert sorted(set(pysock.__all__)) == sorted(pysock.__all__)
    for name in pysock.__all__:
        getattr(pysock, name)


def test_what_is_not_replaced_is_the_very_object(pysock):
    replaced = {
        name
        for name in socket.__all__
        if getattr(pysock, name) is not getattr(socket, name)
        and not isinstance(getattr(socket, name), int)
    }
    made_of_sockets = {"socket", "socketpair", "fromfd", "create_connection", "create_server"}
    rebound = {"getaddrinfo", "getfqdn", "has_dualstack_ipv6", "send_fds", "recv_fds"}
    numeric = {"gethostbyname", "htonl", "htons", "ntohl", "ntohs"}
    numeric |= {"inet_aton", "inet_ntoa", "inet_ntop", "inet_pton"}
    assert replaced == made_of_sockets | rebound | (numeric if pysock.BACKEND == "c" else set())
    for name in (
        "_GLOBAL_DEFAULT_TIMEOUT",
        "SocketType",
        "error",
        "timeout",
        "gaierror",
    ):
        assert getattr(pysock, name) is getattr(socket, name)


def test_star_import(pysock):
    namespace = {}
    exec(f"from {pysock.__name__} import *", namespace)
    assert namespace["socket"] is pysock.socket
    assert namespace["PF_INET"] == pysock.AF_INET
    assert "_socket" not in namespace


def test_protocol_family_names(pysock):
    for name in dir(pysock):
        if name.startswith("AF_"):
            assert getattr(pysock, "PF_" + name[3:]) == getattr(pysock, name)
    assert pysock.PF_X25 == 9


def test_values_of_socket_are_never_changed(pysock):
    for name in dir(socket):
        if name.isupper() and isinstance(getattr(socket, name), int):
            assert getattr(pysock, name) == getattr(socket, name)


@pytest.mark.parametrize(
    "name",
    "MSG_ZEROCOPY SO_ZEROCOPY UDP_SEGMENT UDP_GRO MSG_WAITFORONE IP_PKTINFO IP_RECVERR SO_RXQ_OVFL "
    "SO_TIMESTAMPNS TCP_ULP SO_BUSY_POLL SO_TXTIME".split(),
)
def test_the_kernels_constants_have_names(pysock, name):
    assert name in pysock.__all__
    assert isinstance(getattr(pysock, name), int)


def test_the_kernels_constants_have_the_headers_values(pysock, tmp_path):
    """Compiled against the C library's and the kernel's own headers."""
    from pysock import _constants

    compiler = shutil.which("cc") or shutil.which("gcc")
    assert compiler, "a C compiler is needed to look at the headers"
    assert platform.system() == "Linux"
    table = _constants._LINUX | _constants._LINUX_ASM_GENERIC
    lines = [
        f'#ifdef {name}\nprintf("{name} %lld\\n", (long long){name});\n#endif' for name in table
    ]
    source = tmp_path / "constants.c"
    headers = ["sys/socket.h", "netinet/in.h", "netinet/tcp.h", "netinet/udp.h", "linux/errqueue.h"]
    headers += ["linux/net_tstamp.h", "asm/socket.h"]
    source.write_text(
        "#define _GNU_SOURCE\n#include <time.h>\n#include <stdio.h>\n"
        + "".join(f"#include <{header}>\n" for header in headers)
        + "int main(void) {\n" + "\n".join(lines) + "\nreturn 0; }\n"
    )  # fmt: skip
    program = tmp_path / "constants"
    subprocess.run([compiler, "-o", program, source], check=True)
    output = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    values = {name: int(value) for name, value in map(str.split, output.splitlines())}
    assert len(values) > 0.8 * len(table), sorted(set(table) - set(values))
    assert {name: table[name] for name in values} == values


def test_what_is_public_is_of_the_package(pysock):
    """Whichever module has made it: a pickle finds it by the name it has, on either backend."""
    public = {name: getattr(pysock, name) for name in pysock.EXTENDED}
    public |= {name: getattr(pysock, name) for name in ("socket", "create_connection", "fromfd")}
    added = set(dir(pysock.socket)) - set(dir(socket.socket)) | {"accept", "connect", "sendall"}
    public |= {f"socket.{name}": getattr(pysock.socket, name) for name in added}
    if pysock.EpollSelector is selectors.EpollSelector:
        del public["EpollSelector"]
    for name, thing in public.items():
        if isinstance(thing, types.MethodDescriptorType):  # has no module, as in `socket`
            assert (thing.__qualname__, thing.__objclass__) == (name, socket.socket.__base__)
        elif callable(thing):
            assert (thing.__module__, thing.__qualname__) == (pysock.__name__, name)
            assert thing.__name__ == name.rpartition(".")[2]
            assert pickle.loads(pickle.dumps(thing)) is thing
    for thing in (pysock.parse_ancillary([]), pysock.DatagramBatch(1, 1)):
        assert type(thing).__module__ == pysock.__name__


def test_the_module_has_no_getattr(pysock):
    """The interpreter specializes the look-up of a module's attribute only if it has none."""
    assert not hasattr(pysock, "__getattr__")
    assert type(pysock) is type(socket)


def test_the_version_is_the_distributions(pysock):
    """It is written once, in the package; the distribution and a release's tag are asked for it."""
    assert not re.search(r"^version = \"", (ROOT / "pyproject.toml").read_text(), re.M)
    for command in (["setup.py", "--quiet", "--version"], ["release/version.py"]):
        done = subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env={**os.environ, "PYSOCK_NO_EXTENSIONS": "1"},
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        assert done.stdout.split()[-1] == pysock.__version__


def test_the_two_legs_are_what_they_say(pysock):
    if pysock.__name__ == "pysock":
        assert pysock.BACKEND == "c"
        assert sys.modules["pysock._compiled.io.transfer"].__file__.endswith(".so")
        assert pysock.socket.recv is not socket.socket.recv
    else:
        assert pysock.BACKEND == "stdlib"
        assert pysock.socket.recv is socket.socket.recv


def test_on_windows_the_import_says_what_to_do():
    """An error that `except ImportError` catches, and no other."""
    program = (
        "import asyncio, socket, subprocess, sys\n"  # which have looked at the platform themselves
        "sys.platform = 'win32'\n"
        "try:\n"
        "    import pysock as socket\n"
        "except ImportError as error:\n"
        "    assert 'POSIX' in str(error), error\n"
        "print(socket.__name__)"
    )
    said = subprocess.check_output([sys.executable, "-c", program], text=True, cwd=ROOT)
    assert said == "socket\n"


def test_what_is_extended_explains_itself(pysock):
    """`help()` and an editor show a text and a signature, on both backends."""
    for name in pysock.EXTENDED:
        public = getattr(pysock, name)
        is_ours = isinstance(public, type) and public.__module__ == pysock.__name__
        parts = vars(public) if is_ours else {}
        for part, value in {"": public, **parts}.items():
            if not part.startswith("_"):
                assert inspect.getdoc(value), (name, part)
                if callable(value):
                    inspect.signature(value)
