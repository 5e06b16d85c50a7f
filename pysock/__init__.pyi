"""The type stub of both backends: the names of `socket`, and those that pysock adds."""

import asyncio
import io
import os
import selectors
import socket as _stdlib
from _socket import _Address as _StandardAddress
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import AbstractContextManager
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final, Literal, NamedTuple, Protocol, TypeAlias, TypeVar, final, overload

from _typeshed import FileDescriptorLike, ReadableBuffer, WriteableBuffer

_T = TypeVar("_T")
_Host: TypeAlias = str | bytes | bytearray | int | IPv4Address | IPv6Address
_InternetAddress: TypeAlias = (
    tuple[_Host, int | str] | tuple[_Host, int | str, int] | tuple[_Host, int | str, int, int]
)
# The last member is for other families, which the standard library handles. It depends on the
# Python version: an int is an address since 3.14.
_Address: TypeAlias = _InternetAddress | os.PathLike[str] | os.PathLike[bytes] | _StandardAddress
_CMSG: TypeAlias = tuple[int, int, ReadableBuffer]

__version__: Final[str]
BACKEND: Final[Literal["c", "stdlib"]]
EXTENDED: Final[list[str]]
__all__: list[str]

class _Reaped(NamedTuple):
    completed: int
    copied: int

class socket(_stdlib.socket):
    def accept(self) -> tuple[socket, Any]: ...
    def bind(self, address: _Address, /) -> None: ...
    def connect(self, address: _Address, /) -> None: ...
    def connect_ex(self, address: _Address, /) -> int: ...
    def sendmsg(
        self,
        buffers: Iterable[ReadableBuffer],
        ancdata: Iterable[_CMSG] = ...,
        flags: int = ...,
        address: _Address | None = ...,
        /,
    ) -> int: ...
    def peercred(self) -> PeerCredentials: ...
    def recv_fds(
        self, bufsize: int, maxfds: int, flags: int = 0
    ) -> tuple[bytes, list[int], int, Any]: ...
    def recv_exactly(
        self, n: int, /, *, timeout: float | None = ..., deadline: float | None = None
    ) -> bytes: ...
    def recv_exactly_into(
        self,
        buffer: WriteableBuffer,
        /,
        *,
        timeout: float | None = ...,
        deadline: float | None = None,
    ) -> int: ...
    def recvmmsg(
        self, max_messages: int, bufsize: int, flags: int = 0
    ) -> list[tuple[bytes, Any]]: ...
    def send_fds(
        self,
        buffers: Iterable[ReadableBuffer],
        fds: Iterable[int],
        flags: int = 0,
        address: _Address | None = None,
    ) -> int: ...
    def send_segmented(
        self,
        buffer: ReadableBuffer,
        segment_size: int,
        address: _Address | None = None,
        flags: int = 0,
    ) -> int: ...
    def sendmmsg(
        self,
        messages: Iterable[ReadableBuffer | tuple[ReadableBuffer, _Address]],
        address: _Address | None = None,
        flags: int = 0,
    ) -> int: ...
    def sendmsg_all(
        self,
        buffers: Iterable[ReadableBuffer],
        /,
        *,
        timeout: float | None = ...,
        deadline: float | None = None,
    ) -> None: ...
    def set_gro(self, on: bool = True, /) -> None: ...
    def send_zerocopy(self, buffer: ReadableBuffer, flags: int = 0) -> int: ...
    def zerocopy_pending(self, /) -> int: ...
    def reap_zerocopy(
        self, timeout: float | None = ..., deadline: float | None = None
    ) -> _Reaped: ...
    @overload
    def sendto(self, data: ReadableBuffer, address: _Address, /) -> int: ...
    @overload
    def sendto(self, data: ReadableBuffer, flags: int, address: _Address, /) -> int: ...

class EpollSelector(selectors.EpollSelector): ...

class EventLoop(asyncio.SelectorEventLoop):
    def __init__(
        self,
        selector: selectors.BaseSelector | None = None,
        *,
        coalesce_writes: bool | None = None,
    ) -> None: ...
    def metrics(self) -> dict[str, int]: ...
    def not_accelerated(self) -> str | None: ...
    async def sock_recvmmsg(
        self, sock: socket, max_messages: int, bufsize: int, flags: int = 0
    ) -> list[tuple[bytes, Any]]: ...
    async def sock_recvmsg(
        self, sock: _stdlib.socket, bufsize: int, ancbufsize: int = 0, flags: int = 0
    ) -> tuple[bytes, list[_CMSG], int, Any]: ...
    async def sock_sendmmsg(
        self,
        sock: socket,
        messages: Iterable[ReadableBuffer | tuple[ReadableBuffer, _Address]],
        address: _Address | None = None,
        flags: int = 0,
    ) -> int: ...
    async def sock_sendmsg(
        self,
        sock: _stdlib.socket,
        buffers: Iterable[ReadableBuffer],
        ancdata: Iterable[_CMSG] = (),
        flags: int = 0,
        address: _Address | None = None,
    ) -> int: ...

def new_event_loop() -> EventLoop: ...
def run(
    main: Coroutine[Any, Any, _T],
    *,
    debug: bool | None = None,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> _T: ...

class IncompleteReadError(EOFError):
    partial: bytes
    expected: int | None
    def __init__(self, partial: bytes, expected: int | None) -> None: ...

class LimitOverrunError(Exception):
    consumed: int
    def __init__(self, message: str, consumed: int) -> None: ...

# The default of `timeout` is Ellipsis, which means the socket's own timeout.
class Stream(io.BufferedIOBase):
    def __init__(
        self, sock: _stdlib.socket, *, limit: int = 65536, buffer_size: int = 65536
    ) -> None: ...
    @property
    def sock(self) -> _stdlib.socket | None: ...
    @property
    def name(self) -> int: ...
    def read(
        self,
        size: int | None = -1,
        /,
        *,
        timeout: float | None = ...,
        deadline: float | None = None,
    ) -> bytes: ...
    def read1(
        self, size: int = -1, /, *, timeout: float | None = ..., deadline: float | None = None
    ) -> bytes: ...
    def readexactly(
        self, n: int, /, *, timeout: float | None = ..., deadline: float | None = None
    ) -> bytes: ...
    def readuntil(
        self,
        separator: ReadableBuffer | tuple[ReadableBuffer, ...] = b"\n",
        *,
        timeout: float | None = ...,
        deadline: float | None = None,
    ) -> bytes: ...
    def readline(
        self,
        size: int | None = -1,
        /,
        *,
        timeout: float | None = ...,
        deadline: float | None = None,
    ) -> bytes: ...
    def readinto(
        self,
        buffer: WriteableBuffer,
        /,
        *,
        timeout: float | None = ...,
        deadline: float | None = None,
    ) -> int: ...
    def readinto1(
        self,
        buffer: WriteableBuffer,
        /,
        *,
        timeout: float | None = ...,
        deadline: float | None = None,
    ) -> int: ...
    def readinto_exactly(
        self,
        buffer: WriteableBuffer,
        /,
        *,
        timeout: float | None = ...,
        deadline: float | None = None,
    ) -> int: ...
    def peek(
        self, size: int = 0, /, *, timeout: float | None = ..., deadline: float | None = None
    ) -> bytes: ...
    def write(
        self, data: ReadableBuffer, /, *, timeout: float | None = ..., deadline: float | None = None
    ) -> int: ...
    def writelines(
        self,
        lines: Iterable[ReadableBuffer],
        /,
        *,
        timeout: float | None = ...,
        deadline: float | None = None,
    ) -> None: ...
    def flush(self, *, timeout: float | None = ..., deadline: float | None = None) -> None: ...
    def detach(self) -> _stdlib.socket: ...  # type: ignore[override]

class PeerCredentials(NamedTuple):
    pid: int
    uid: int
    gid: int

class _Ancillary(Protocol):
    @property
    def timestamp_ns(self) -> int | None: ...
    @property
    def destination(self) -> str | None: ...
    @property
    def interface(self) -> int | None: ...
    @property
    def tos(self) -> int | None: ...
    @property
    def ecn(self) -> int | None: ...
    @property
    def segment_size(self) -> int | None: ...
    @property
    def drops(self) -> int | None: ...

class _Datagram(_Ancillary, Protocol):
    @property
    def data(self) -> memoryview: ...
    @property
    def address(self) -> Any: ...
    @property
    def truncated(self) -> bool: ...
    @property
    def control_truncated(self) -> bool: ...
    def __bytes__(self) -> bytes: ...
    def __len__(self) -> int: ...

@final
class DatagramBatch:
    def __new__(cls, slots: int, slot_size: int) -> DatagramBatch: ...
    @property
    def slots(self) -> int: ...
    @property
    def slot_size(self) -> int: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> _Datagram: ...
    def __iter__(self) -> Iterator[_Datagram]: ...
    def recv_into(self, sock: _stdlib.socket, flags: int = 0) -> int: ...
    def send(
        self,
        sock: _stdlib.socket,
        n: int | None = None,
        address: _Address | None = None,
        flags: int = 0,
    ) -> int: ...

def parse_ancillary(ancdata: Iterable[tuple[int, int, bytes]], /) -> _Ancillary: ...
def capabilities(sock: _stdlib.socket | None = None, /) -> dict[str, int]: ...
def create_connection(
    address: tuple[_Host | None, int | str | None],
    timeout: float | None = ...,
    source_address: _InternetAddress | None = None,
    *,
    all_errors: bool = False,
    happy_eyeballs_delay: float | None = None,
    total_timeout: float | None = None,
) -> socket: ...
def create_server(
    address: _Address,
    *,
    family: int = ...,
    backlog: int | None = None,
    reuse_port: bool = False,
    dualstack_ipv6: bool = False,
) -> socket: ...
def reuse_port_listeners(
    address: _Address, n: int, *, family: int = ..., backlog: int | None = None
) -> list[socket]: ...
def socketpair(
    family: int | _stdlib.AddressFamily | None = None,
    type: int | _stdlib.SocketKind = ...,
    proto: int = 0,
) -> tuple[socket, socket]: ...
def fromfd(
    fd: int, family: int | _stdlib.AddressFamily, type: int | _stdlib.SocketKind, proto: int = 0
) -> socket: ...
def splice(
    src: FileDescriptorLike,
    dst: FileDescriptorLike,
    count: int | None = None,
    timeout: float | None = None,
) -> int: ...
def set_gil_hold(nbytes: int, /) -> None: ...
def get_gil_hold() -> int: ...
def install(*, asyncio: bool = True, coalesce_writes: bool = False) -> None: ...
def uninstall() -> None: ...
def installed(
    *, asyncio: bool = True, coalesce_writes: bool = False
) -> AbstractContextManager[None]: ...

# The protocol families: PF_X is AF_X.
PF_ALG: Final[int]
PF_APPLETALK: Final[int]
PF_ASH: Final[int]
PF_ATMPVC: Final[int]
PF_ATMSVC: Final[int]
PF_AX25: Final[int]
PF_BRIDGE: Final[int]
PF_DECnet: Final[int]
PF_ECONET: Final[int]
PF_INET: Final[int]
PF_INET6: Final[int]
PF_IPX: Final[int]
PF_IRDA: Final[int]
PF_KEY: Final[int]
PF_LLC: Final[int]
PF_NETBEUI: Final[int]
PF_NETLINK: Final[int]
PF_NETROM: Final[int]
PF_PPPOX: Final[int]
PF_QIPCRTR: Final[int]
PF_ROSE: Final[int]
PF_ROUTE: Final[int]
PF_SECURITY: Final[int]
PF_SNA: Final[int]
PF_TIPC: Final[int]
PF_UNIX: Final[int]
PF_UNSPEC: Final[int]
PF_VSOCK: Final[int]
PF_WANPIPE: Final[int]
PF_X25: Final[int]

# Constants that the kernel knows and some Python versions lack. Newer versions have more of them.
IPV6_MTU: int  # type: ignore[no-redef,misc]
IPV6_MTU_DISCOVER: int  # type: ignore[no-redef,misc]
IPV6_RECVERR: int  # type: ignore[no-redef,misc]
IP_BIND_ADDRESS_NO_PORT: int  # type: ignore[no-redef,misc]
IP_FREEBIND: int  # type: ignore[no-redef,misc]
IP_MTU: int  # type: ignore[no-redef,misc]
IP_MTU_DISCOVER: int  # type: ignore[no-redef,misc]
IP_PKTINFO: int  # type: ignore[no-redef,misc]
IP_PMTUDISC_DO: int  # type: ignore[no-redef,misc]
IP_PMTUDISC_DONT: int  # type: ignore[no-redef,misc]
IP_PMTUDISC_PROBE: int  # type: ignore[no-redef,misc]
IP_PMTUDISC_WANT: int  # type: ignore[no-redef,misc]
IP_RECVERR: int  # type: ignore[no-redef,misc]
IP_RECVORIGDSTADDR: int  # type: ignore[no-redef,misc]
IP_RECVTOS: int  # type: ignore[no-redef,misc]
IP_RECVTTL: int  # type: ignore[no-redef,misc]
MSG_CMSG_CLOEXEC: int  # type: ignore[no-redef,misc]
MSG_FASTOPEN: int  # type: ignore[no-redef,misc]
MSG_WAITFORONE: int  # type: ignore[no-redef,misc]
MSG_ZEROCOPY: int  # type: ignore[no-redef,misc]
SCM_TIMESTAMP: int  # type: ignore[no-redef,misc]
SCM_TIMESTAMPING: int  # type: ignore[no-redef,misc]
SCM_TIMESTAMPNS: int  # type: ignore[no-redef,misc]
SCM_TXTIME: int  # type: ignore[no-redef,misc]
SOF_TIMESTAMPING_RX_SOFTWARE: int  # type: ignore[no-redef,misc]
SOF_TIMESTAMPING_SOFTWARE: int  # type: ignore[no-redef,misc]
SOF_TIMESTAMPING_TX_SOFTWARE: int  # type: ignore[no-redef,misc]
SOL_IPV6: int  # type: ignore[no-redef,misc]
SOL_UDP: int  # type: ignore[no-redef,misc]
SO_ATTACH_REUSEPORT_CBPF: int  # type: ignore[no-redef,misc]
SO_ATTACH_REUSEPORT_EBPF: int  # type: ignore[no-redef,misc]
SO_BUSY_POLL: int  # type: ignore[no-redef,misc]
SO_COOKIE: int  # type: ignore[no-redef,misc]
SO_EE_CODE_ZEROCOPY_COPIED: int  # type: ignore[no-redef,misc]
SO_EE_ORIGIN_ICMP: int  # type: ignore[no-redef,misc]
SO_EE_ORIGIN_ICMP6: int  # type: ignore[no-redef,misc]
SO_EE_ORIGIN_LOCAL: int  # type: ignore[no-redef,misc]
SO_EE_ORIGIN_ZEROCOPY: int  # type: ignore[no-redef,misc]
SO_INCOMING_CPU: int  # type: ignore[no-redef,misc]
SO_INCOMING_NAPI_ID: int  # type: ignore[no-redef,misc]
SO_MAX_PACING_RATE: int  # type: ignore[no-redef,misc]
SO_PEEK_OFF: int  # type: ignore[no-redef,misc]
SO_RCVBUFFORCE: int  # type: ignore[no-redef,misc]
SO_RXQ_OVFL: int  # type: ignore[no-redef,misc]
SO_SNDBUFFORCE: int  # type: ignore[no-redef,misc]
SO_TIMESTAMP: int  # type: ignore[no-redef,misc]
SO_TIMESTAMPING: int  # type: ignore[no-redef,misc]
SO_TIMESTAMPNS: int  # type: ignore[no-redef,misc]
SO_TXTIME: int  # type: ignore[no-redef,misc]
SO_ZEROCOPY: int  # type: ignore[no-redef,misc]
TCP_ULP: int  # type: ignore[no-redef,misc]
TCP_ZEROCOPY_RECEIVE: int  # type: ignore[no-redef,misc]
UDP_CORK: int  # type: ignore[no-redef,misc]
UDP_GRO: int  # type: ignore[no-redef,misc]
UDP_SEGMENT: int  # type: ignore[no-redef,misc]

# All other names are the standard library's. For a type checker the first definition counts.
from socket import *  # type: ignore[assignment,no-redef,misc]  # noqa: E402, F403

# Public names that are not in `socket.__all__`.
from socket import EAGAIN as EAGAIN  # noqa: E402
from socket import EBADF as EBADF  # noqa: E402
from socket import EWOULDBLOCK as EWOULDBLOCK  # noqa: E402
from socket import AddressInfo as AddressInfo  # noqa: E402
from socket import MsgFlag as MsgFlag  # noqa: E402
from socket import SocketIO as SocketIO  # noqa: E402
