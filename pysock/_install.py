"""Install pysock in place of the standard library's names, and uninstall it."""

import os
import selectors
import socket as _stdlib
import sys
from _thread import RLock

from . import _backend
from ._backend import FASTER, EpollSelector, socket
from ._shared import event_loop, original
from ._shared.first_import import FirstImport
from ._shared.installed import replaced

_lock = RLock()  # reentrant: a signal handler may call install(), too
_waits_for_asyncio = None  # a FirstImport, if asyncio has to be imported before it is replaced


def _renew_lock():
    """After a fork no thread of the child would release the lock."""
    global _lock
    _lock = RLock()


os.register_at_fork(after_in_child=_renew_lock)


def install(*, asyncio=True, coalesce_writes=False):
    """Make the `socket` module's own names point to pysock's, for the whole process.

    It also replaces `selectors.EpollSelector`, and `DefaultSelector` if that is the same class, so
    the servers of `socketserver` wait in C. Nothing is replaced inside a class of the standard
    library.

    With *asyncio*, it makes `EventLoop` asyncio's own: new loops of asyncio's default policy are
    EventLoops, and so are those of `asyncio.SelectorEventLoop`. This does not import asyncio: if
    the program imports it later, the names are set then. *coalesce_writes* is that of `EventLoop`,
    for these loops. A policy that the program has set stays, and so do loops that exist.
    With `asyncio=False`, asyncio's loop waits in C, and is asyncio's own in all else.

    Call it first in a program. A module that ran `from socket import socket` before, or that
    derived a class from it as `ssl` does, keeps the standard library's class. A RuntimeWarning
    names these modules. A second call has no effect.

    If `socket.socket` is a class that does not derive from the standard library's, it stays, with
    a RuntimeWarning. gevent and similar libraries wait in their own event loop; a socket that waits
    in the kernel would block all their tasks. Functions that such a library has replaced stay, too,
    without a warning: they may check or redirect calls.
    """
    ours = None
    while True:
        # Before the lock: a thread in the middle of this import takes the lock at its end.
        if asyncio and "asyncio" in sys.modules:
            ours = event_loop.load(_backend)
        with _lock:
            if replaced:
                return
            if asyncio and ours is None and "asyncio" in sys.modules:
                continue  # another thread has begun to import it
            current = _stdlib.socket
            replaceable = not isinstance(current, type) or issubclass(current, original.socket)
            if replaceable:
                _replace(_replacements())
                if asyncio and _backend.BACKEND == "c":
                    _replace_in_asyncio(ours, coalesce_writes)
        break
    if not replaceable:
        _warn(
            f"{__package__}.install() did nothing: {current.__module__}.{current.__qualname__} is "
            "in the place of socket.socket, and its sockets wait in their own way"
        )
        return
    earlier = _stdlib_references()
    if earlier:
        _warn(
            f"{__package__}.install() came after these took the standard library's socket, and "
            f"they keep it: {', '.join(earlier)}"
        )


def _warn(message):
    """Warn the caller of `install()`."""
    import warnings

    warnings.warn(message, RuntimeWarning, stacklevel=3)


def uninstall():
    """Undo `install()`. A name that other code has replaced in the meantime stays as it is."""
    global _waits_for_asyncio
    with _lock:
        if _waits_for_asyncio is not None:
            _waits_for_asyncio.cancel()
            _waits_for_asyncio = None
        for module, name, replacement, previous in replaced:
            if getattr(module, name, None) is replacement:
                setattr(module, name, previous)
        replaced.clear()


def installed(*, asyncio=True, coalesce_writes=False):
    """Install pysock inside a `with` block. If it was installed before, it stays as it was.

    *asyncio* and *coalesce_writes* are those of `install()`.
    """
    from contextlib import contextmanager  # few programs need it, and the import takes time

    return contextmanager(_installed)(asyncio, coalesce_writes)


def _installed(asyncio, coalesce_writes):
    import warnings

    before = bool(replaced)
    if not before:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            install(asyncio=asyncio, coalesce_writes=coalesce_writes)
    try:
        yield
    finally:
        if not before:
            uninstall()


def _replace(replacements):
    for module, name, value in replacements:
        replaced.append((module, name, value, getattr(module, name)))
        setattr(module, name, value)


def _replacements():
    """Yield (module, name, replacement) for the socket class and for functions in C.

    Functions like `create_connection` look up `socket` in their module when they are called. They
    need no replacement, and tests that patch them still work.
    """
    yield _stdlib, "socket", socket
    for name, value in FASTER.items():
        if original.is_unpatched(name):
            yield _stdlib, name, value
    yield from _replaceable_selectors()


def _replaceable_selectors():
    """Yield nothing for a selector of gevent, or if this backend has no selector in C."""
    if EpollSelector is not original.EpollSelector:
        import socketserver

        # The places of a selector, and the classes there that pysock's may replace.
        for module, name, replaceable_names in (
            (selectors, "EpollSelector", {"EpollSelector"}),
            (selectors, "DefaultSelector", {"EpollSelector"}),
            (socketserver, "_ServerSelector", {"EpollSelector", "PollSelector"}),
        ):
            if getattr(getattr(module, name, None), "__name__", None) in replaceable_names:
                yield module, name, EpollSelector


def _replace_in_asyncio(ours, coalesce_writes):
    """Replace asyncio's names by those of *ours*, or, if it is None, when asyncio is imported."""
    global _waits_for_asyncio
    if ours is not None:
        _replace(_asyncio_replacements(ours, coalesce_writes))
        return

    def replace():
        ours = event_loop.load(_backend)
        with _lock:
            if _waits_for_asyncio is waiting:  # otherwise uninstall() came first
                _replace(_asyncio_replacements(ours, coalesce_writes))

    _waits_for_asyncio = waiting = FirstImport("asyncio", replace)


def _asyncio_replacements(ours, coalesce_writes):
    """Yield what asyncio makes its loops and readers of."""
    # No `import` here, with the lock: it may wait for a thread that waits for the lock.
    asyncio = sys.modules["asyncio"]
    yield ours, "coalesces_by_default", bool(coalesce_writes)
    yield from _names_for(asyncio.SelectorEventLoop, ours.EventLoop, asyncio, asyncio.unix_events)
    yield from _names_for(asyncio.StreamReader, ours.StreamReader, asyncio, asyncio.streams)
    yield from _names_for(asyncio.StreamWriter, ours.StreamWriter, asyncio, asyncio.streams)
    policy = getattr(asyncio.events, "_get_event_loop_policy", asyncio.get_event_loop_policy)()
    if getattr(policy, "_loop_factory", None) in ours.EventLoop.__bases__:
        yield policy, "_loop_factory", ours.EventLoop


def _names_for(value, replacement, *modules):
    """Yield the names that *modules* have for *value*, unless other code has replaced it."""
    if value not in replacement.__bases__:
        return
    for module in modules:
        for name, found in list(vars(module).items()):
            if found is value and not name.startswith("_"):
                yield module, name, replacement


def _stdlib_references():
    """Return the qualified names of other modules that refer to the standard library's socket.

    This runs no code of these modules. A lazily loaded module must not be loaded by it, and an
    object in a module may be a proxy that cannot be used yet.
    """
    references = []
    seen = set()  # a module may have several names, as __main__ has in multiprocessing
    modules = sys.modules.copy()
    for module_name in sorted(modules):
        module = modules[module_name]
        names = _names_of(module)
        if (
            module is _stdlib
            or id(module) in seen
            or original.is_of_a_copy(names.get("__package__"))
        ):
            continue
        seen.add(id(module))
        for name, value in names.items():
            if value is original.socket:
                references.append(f"{module_name}.{name}")
            elif (
                issubclass(type(value), type)
                and issubclass(value, original.socket)
                and not issubclass(value, socket)
                and value.__module__ == module_name
            ):
                references.append(f"{module_name}.{name} (a subclass)")
    return references


def _names_of(module):
    try:
        return dict(object.__getattribute__(module, "__dict__"))
    except (AttributeError, TypeError):  # sys.modules may contain any object
        return {}
