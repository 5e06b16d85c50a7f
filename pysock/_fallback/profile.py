"""A profile of the calls of sockets, on the standard library alone, as _compiled/profile/ in C.

`start()` puts a Python function in front of each method. It cannot see how the method waits. So it
asks poll() before, and counts the whole call as a wait if the socket was not ready.
"""

import errno
import functools
import select
import socket as _stdlib
import sys
import threading
from time import perf_counter_ns, thread_time_ns

from .._shared import PACKAGE, original
from .._shared.profiled_calls import FUNCTIONS, METHODS
from . import socket as methods

COUNTS = (
    *("calls", "bytes", "waits", "waited_ns", "would_blocks", "timeouts", "errors"),
    *("polls", "polls_avoided", "asked", "small", "filled", "in_row", "to_peer", "cpu_ns"),
)
SMALL = 64  # bytes
SELECT_NO_WAIT = 10_000  # ns

_sites: dict = {}  # by (call, code, instruction)
_lock = threading.RLock()  # a signal handler may call a socket while it is held
_thread = threading.local()
_own_folder, _own_files = "", ()


class Site:
    def __init__(self, call, frame):
        self.call = call
        self.file = frame.f_code.co_filename if frame else ""
        self.line = frame.f_lineno if frame else 0
        self.peer = None
        for name in COUNTS:
            setattr(self, name, 0)


def _site_of(call, frame):
    """Return the site of the innermost *frame* that is neither this package's nor socket.py's."""
    while frame and (
        frame.f_code.co_filename.startswith(_own_folder) or frame.f_code.co_filename in _own_files
    ):
        frame = frame.f_back
    key = (call, frame.f_code, frame.f_lasti) if frame else (call,)
    site = _sites.get(key)
    return site or _sites.setdefault(key, Site(call, frame))


def _size_of(data):
    if isinstance(data, (list, tuple)):
        return sum(_size_of(item[0] if isinstance(item, tuple) else item) for item in data)
    try:
        return memoryview(data).nbytes
    except TypeError:
        return 0


def _size_in(result):
    if isinstance(result, bytes):
        return len(result)
    if isinstance(result, tuple):
        return _size_in(result[0]) if result else 0
    if isinstance(result, list):
        return sum(map(_size_in, result))
    return result if type(result) is int else 0


def _asked(words, arguments):
    if "number" in words and arguments and type(arguments[0]) is int:
        return arguments[0]
    if "buffer" in words and arguments:
        given = arguments[1] if len(arguments) > 1 and type(arguments[1]) is int else 0
        return given or _size_of(arguments[0])
    return 0


def _must_wait(words, sock):
    """Whether a call of *sock* will wait, as far as poll() knows."""
    timeout = original.socket.gettimeout(sock)
    if timeout == 0 or sock.fileno() < 0:
        return False
    if "connects" in words:
        return sock.type == _stdlib.SOCK_STREAM and sock.family != _stdlib.AF_UNIX
    event = select.POLLIN if "reads" in words else select.POLLOUT if "writes" in words else 0
    if not event:
        return False
    poll = select.poll()
    poll.register(sock.fileno(), event)
    return not poll.poll(0)


def _profiled(call, function, words):
    """Return *function* with a counter in front of it."""
    words = frozenset(words.split())
    is_method = bool(words & {"reads", "writes", "connects"})

    @functools.wraps(function)
    def counted(*arguments, **names):
        if getattr(_thread, "compound", 0):
            return function(*arguments, **names)
        site = _site_of(call, sys._getframe(1))
        rest = arguments[1:]
        sock = arguments[0] if is_method and isinstance(arguments[0], original.socket) else None
        waits = sock is not None and _must_wait(words, sock)
        _thread.compound = "compound" in words
        cpu, started = thread_time_ns(), perf_counter_ns()
        result = error = None
        try:
            result = function(*arguments, **names)
            return result
        except BaseException as raised:
            error = raised
            # A traceback is the program's own: without the frame of this function.
            error.__traceback__ = error.__traceback__.tb_next
            raise
        finally:
            took, cpu = perf_counter_ns() - started, thread_time_ns() - cpu
            _thread.compound = False
            if "selects" in words and took > SELECT_NO_WAIT:
                waits = True
            polls = sock is not None and bool(original.socket.gettimeout(sock))
            _count(site, words, rest, result, error, cpu, took if waits else 0, polls)
            error = None  # it refers to this frame

    return counted


def _count(site, words, arguments, result, error, cpu, waited, polls):
    with _lock:
        site.calls += 1
        site.cpu_ns += cpu
        site.polls += polls
        site.in_row += getattr(_thread, "last", None) is site
        _thread.last = site
        if "peer" in words and len(arguments) > 1:
            site.to_peer += site.peer == arguments[-1]
            site.peer = arguments[-1] if type(arguments[-1]) is tuple else None
        if waited and not isinstance(error, BlockingIOError):
            site.waits += 1
            site.waited_ns += waited
        if error is None:
            moved = 0
            if "result" in words:
                moved = _size_in(result)
            elif "argument" in words and arguments:
                moved = _size_of(arguments[0])
            asked = _asked(words, arguments)
            if moved > 0:
                site.bytes += moved
                site.small += moved <= SMALL
                site.asked += asked
                site.filled += moved == asked
            elif "connects" in words and result:  # the errno that connect_ex() returns
                site.would_blocks += result == errno.EINPROGRESS
                site.errors += result != errno.EINPROGRESS
        elif isinstance(error, BlockingIOError):
            site.would_blocks += 1
        elif isinstance(error, TimeoutError):
            site.timeouts += 1
        else:
            site.errors += 1


def start(folder):
    """Count from now on. The code in *folder*, the package, is no site: its caller is one."""
    global _own_folder, _own_files
    _own_folder = folder
    _own_files = (
        _stdlib.create_connection.__code__.co_filename,
        original.EpollSelector.select.__code__.co_filename,
    )
    cls = methods.socket
    for name, words in METHODS.items():
        setattr(cls, name, _profiled(name, getattr(cls, name), words))
    package = sys.modules[PACKAGE]
    places = {
        "socket": [(cls, "__init__")],
        "accept": [(cls, "accept")],
        "close": [(cls, "close")],
        "sendfile": [(cls, "_sendfile_use_sendfile")],
        "socketpair": [(_stdlib, "socketpair"), (package, "socketpair")],
        "getaddrinfo": [(_stdlib, "getaddrinfo"), (package, "getaddrinfo")],
        "select": [(original.EpollSelector, "select")],
    }
    for name, words in FUNCTIONS.items():
        for place, attribute in places[name]:
            function = getattr(place, attribute)
            setattr(place, attribute, _profiled(name, function, words))


def sites():
    """Return what was counted: a dict for each site that has made a call."""
    with _lock:
        return [
            {
                "call": site.call,
                "file": site.file,
                "line": site.line,
                **{name: getattr(site, name) for name in COUNTS},
            }
            for site in list(_sites.values())
            if site.calls
        ]
