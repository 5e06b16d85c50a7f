"""Put pysock in the place of the standard library's own names, and take it out again."""

import os
import selectors
import socket as _stdlib
import sys
from _thread import RLock

from ._backend import FASTER, EpollSelector, socket
from ._shared import original

_SELECTOR_IN_C = EpollSelector is not original.EpollSelector

_originals: list = []  # of (module or class, name, what install() put there, what was there)
_lock = RLock()  # a signal's handler may make an event loop


def _renew_lock():
    """A child that was forked meanwhile has nobody who would release it."""
    global _lock
    _lock = RLock()


os.register_at_fork(after_in_child=_renew_lock)


def install():
    """Make the `socket` module's own names point to pysock's, for the whole process.

    `selectors.EpollSelector`, and `DefaultSelector` where it is that one, become pysock's too, so
    that asyncio's default loop waits in C; the servers of `socketserver` wait in the same way. Once
    asyncio is there, what its loop does for each callback is in C, too: `_run` of `asyncio.Handle`,
    and the loop's `_process_events`.

    Call it first thing in a program: a module that did `from socket import socket` before, or
    derived a class from it as `ssl` does, keeps the standard library's, and is named in a
    RuntimeWarning. Installing twice is installing once.

    A class in `socket.socket` that is not the standard library's nor derived from it stays, with a
    RuntimeWarning: gevent and its like wait in their own way, and a socket that waits in the system
    would stop all that they run. A function of theirs stays as well, without a word: it may guard
    or redirect what it is asked.
    """
    with _lock:
        if _originals:
            return
        theirs = _stdlib.socket
        replaceable = not isinstance(theirs, type) or issubclass(theirs, original.socket)
        if replaceable:
            _replace(_replacements())
            if _SELECTOR_IN_C:
                EpollSelector._at_creation = staticmethod(_replace_in_asyncio)
                _replace_in_asyncio()
    if not replaceable:
        _warn(
            f"{__package__}.install() did nothing: {theirs.__module__}.{theirs.__qualname__} is in "
            "the place of socket.socket, and its sockets wait in their own way"
        )
        return
    early = _early_imports()
    if early:
        _warn(
            f"{__package__}.install() came after these took the standard library's socket, and "
            f"they keep it: {', '.join(early)}"
        )


def _warn(message):
    """Warn the caller of `install()`."""
    import warnings

    warnings.warn(message, RuntimeWarning, stacklevel=3)


def uninstall():
    """Undo `install()`. A name that somebody else has replaced in between is left alone."""
    with _lock:
        for module, name, value, original in _originals:
            if getattr(module, name, None) is value:
                setattr(module, name, original)
        _originals.clear()
        if _SELECTOR_IN_C:
            EpollSelector._at_creation = None


def installed():
    """Have pysock installed inside a `with` block; what was installed before stays so after it."""
    from contextlib import contextmanager  # few programs need it, and it takes a while

    return contextmanager(_installed)()


def _installed():
    import warnings

    before = bool(_originals)
    if not before:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            install()
    try:
        yield
    finally:
        if not before:
            uninstall()


def _replace(replacements):
    for module, name, value in replacements:
        _originals.append((module, name, value, getattr(module, name)))
        setattr(module, name, value)


def _replace_in_asyncio():
    """Once, as soon as asyncio is there: to import it would take longer than all of this.

    Where a program imports it after install(), its loop makes a selector first.
    """
    if "asyncio.selector_events" in sys.modules:
        from ._compiled.asyncio.handle import loop_methods

        with _lock:
            methods = [] if EpollSelector._at_creation is None else loop_methods(sys.modules)
            if methods:
                EpollSelector._at_creation = None
                _replace(methods)


def _replacements():
    """(module, name, what to put there) of the class, and of what the class cannot reach.

    `create_connection` and its kin look up `socket` in their module when they are called: they need
    no replacement, and tests that patch it still work.
    """
    yield _stdlib, "socket", socket
    for name, value in FASTER.items():
        if original.is_its_own(name):
            yield _stdlib, name, value
    yield from _replaceable_selectors()


def _replaceable_selectors():
    """Not where gevent has put one of its own, nor when there is none in C to put there."""
    if _SELECTOR_IN_C:
        import socketserver

        # Where a selector stands, and which of them pysock's is better than there.
        for module, name, worse in (
            (selectors, "EpollSelector", {"EpollSelector"}),
            (selectors, "DefaultSelector", {"EpollSelector"}),
            (socketserver, "_ServerSelector", {"EpollSelector", "PollSelector"}),
        ):
            if getattr(getattr(module, name, None), "__name__", None) in worse:
                yield module, name, EpollSelector


def _early_imports():
    """The qualified names by which other modules hold the standard library's socket class.

    Nothing of theirs is run for it: a module may be one that is loaded when it is asked for a name,
    and what it has may be a proxy that is not ready to be asked.
    """
    found = []
    seen = set()  # by more than one name, as __main__ is by multiprocessing's
    modules = sys.modules.copy()
    for module_name in sorted(modules):
        module = modules[module_name]
        names = _names_of(module)
        if module is _stdlib or id(module) in seen or _is_of_a_copy(names):
            continue
        seen.add(id(module))
        for name, value in names.items():
            if value is original.socket:
                found.append(f"{module_name}.{name}")
            elif (
                issubclass(type(value), type)
                and issubclass(value, original.socket)
                and not issubclass(value, socket)
                and value.__module__ == module_name
            ):
                found.append(f"{module_name}.{name} (a subclass)")
    return found


def _names_of(module):
    try:
        return dict(object.__getattribute__(module, "__dict__"))
    except (AttributeError, TypeError):  # whatever it is that somebody has put there
        return {}


def _is_of_a_copy(names):
    """Whether the module of these *names* belongs to this package, or to a renamed copy of it."""
    package = names.get("__package__")
    while isinstance(package, str) and package:
        if "_is_of_a_copy" in _names_of(sys.modules.get(f"{package}._install")):
            return True
        package = package.rpartition(".")[0]
    return False
