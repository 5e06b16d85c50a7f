"""Whether programs cost more under pysock than the committed table says, or than on `socket`."""

from __future__ import annotations

from counting.counts import PYSOCK, SOCKET, Counted

# They need no server but redis; each has another kind of loop.
PROGRAMS = ["redis_py", "http_server", "pyftpdlib_ftplib", "paramiko_self", "websockets_asyncio"]
TOLERANCE = 0.02
CALLS = 0.05  # of a request: less is by the clock


def dearer(counted: Counted) -> list[str]:
    """What costs more under pysock than on `socket`: a fault, wherever it is not known why."""
    before, after = counted.ways[SOCKET], counted.ways[PYSOCK]
    found = []
    if after.instructions > before.instructions * (1 + TOLERANCE / 2):
        found.append(f"instructions {before.instructions:.0f} -> {after.instructions:.0f}")
    if after.system_calls > before.system_calls * (1 + TOLERANCE / 2) + CALLS:
        found.append(f"system calls {before.system_calls:.2f} -> {after.system_calls:.2f}")
    return found


def grown(now: Counted, known: Counted) -> list[str]:
    """Where `socket` differs from the table, too, its share is what is compared: another build."""
    found = []
    for what, least in {"instructions": 0, "system_calls": CALLS}.items():
        before, after = (getattr(now.ways[way], what) for way in (SOCKET, PYSOCK))
        then, allowed = (getattr(known.ways[way], what) for way in (SOCKET, PYSOCK))
        if abs(before / then - 1) > TOLERANCE:
            allowed *= before / then
        if after > allowed * (1 + TOLERANCE) + least:
            found.append(f"{what.replace('_', ' ')} {allowed:.2f} -> {after:.2f}")
    return found


def names(program: str, lines: list[str]) -> bool:
    """Whether one of *lines*, of `worse`, is about *program*."""
    return any(line.startswith(f"{program}: ") for line in lines)


def worse(found: dict[str, Counted], known: dict[str, Counted]) -> list[str]:
    lines = []
    for name, now in found.items():
        if name not in known:
            lines.append(f"{name}: not in the table")
            continue
        lines += [f"{name}: more than the table: {text}" for text in grown(now, known[name])]
        lines += [f"{name}: more than on socket: {text}" for text in dearer(now)]
    return lines
