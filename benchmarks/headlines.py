"""The rows of the README and its picture. What is slower than `socket` joins them by itself."""

from __future__ import annotations

from typing import Any

SLOWER = 0.97  # a ratio below it is a loss, not noise

HEADLINES = {
    "dropped in": [
        "send+recv 64 B, blocking",
        "send+recv 64 B, timeout",
        "send+recv 64 B, non-blocking",
        "recv(262144) of 64 B, cold heap",
        "UDP sendto+recvfrom 64 B, blocking",
        "UDP sendto+recvfrom 64 B, timeout",
        "makefile readline of 64 B, timeout",
        "recv -> BlockingIOError",
        "connect+accept+close+close",
        "socket()+close()",
        "sock.family",
        "getaddrinfo, numeric IPv4",
        "register + unregister",
        "select, 1 ready",
        "select, 100 ready",
    ],
    "beside a thread that computes": [
        "send+recv beside 1 computing",
        "send+recv beside 1 computing, one core",
        "echo thread beside 1 computing",
    ],
    "whole programs": [
        "asyncio echo, server CPU, cold heap",
        "asyncio echo, server CPU, warm heap",
        "threads: echo of 64 B, 16 clients",
        "http.server, server CPU",
        "redis-py GET, round trip",
    ],
    "records and streams": [
        "readline of 64 B, 64 KiB at a time",
        "readline of 64 B at a time, timeout",
        "readexactly of 4 B + 100 B at a time",
        "recv_exactly(1 MiB)",
        "recv_exactly_into(16 MiB)",
        "sendmsg_all of 100 x 1 KiB",
        "RESP SET+GET on a Stream, client CPU",
        "proxy, CPU, for recv_into(64 KiB) + sendall",
    ],
    "datagrams by the batch": [
        "sendmmsg, list, one peer, 1400 B",
        "send_segmented, 1400 B",
        "recvmmsg, GRO, 1400 B",
        "DatagramBatch, GRO, 1400 B",
        "echo, GSO and GRO, 1400 B",
        "recvmmsg, no GRO, 64 peers, 1400 B",
        "sendmmsg, no GSO, 64 peers, 1400 B",
    ],
}


def by_section(figures: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The rows of each section; KeyError names one that was not measured."""
    named = {row["title"]: row for row in figures}
    sections = {name: [named.pop(title) for title in HEADLINES[name]] for name in HEADLINES}
    lost = [row for row in named.values() if row["ratio"] < SLOWER]
    return {**sections, "slower": lost} if lost else sections
