"""The programs of the matrix, in order of worth."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Program:
    name: str  # of its file in programs/
    package: str  # the distribution whose version is printed; "" for the standard library
    exercised: str
    requests: int  # for about a second on a slow machine
    servers: tuple[str, ...] = ()
    side: str = "client"  # whose CPU it is
    replaced_by: str = ""  # the module whose socket class is in place at the end, if not pysock
    asyncio: bool = False  # on asyncio's own loop, in whose place uvloop's can be


PROGRAMS = [
    Program("redis_py", "redis", "commands, pipeline, pub/sub, pool", 8000, ("redis",)),
    Program("redis_asyncio", "redis", "asyncio client, 8 tasks", 4000, ("redis",), asyncio=True),
    Program("redis_asyncio_tls", "redis", "the same over TLS", 2000, ("redis",), asyncio=True),
    Program("requests_nginx", "requests", "nginx: GET, PUT, gzip, streams", 1000, ("nginx",)),
    Program("requests_tls", "requests", "the same over TLS", 1000, ("nginx",)),
    Program("urllib3_nginx", "urllib3", "nginx, TLS: pool, 4 threads", 2000, ("nginx",)),
    Program("httpx_nginx", "httpx", "nginx, TLS: blocking and asyncio", 1000, ("nginx",)),
    Program("pg8000_postgres", "pg8000", "SCRAM, COPY, types, notify", 4000, ("postgres",)),
    Program("pymysql_mariadb", "pymysql", "TLS, 17 MB rows, LOAD DATA", 6000, ("mariadb",)),
    Program(
        "pymemcache_memcached", "pymemcache", "get, set, cas, many, pool", 12000, ("memcached",)
    ),
    Program("pika_rabbitmq", "pika", "confirms, acks, heartbeats, loop", 6000, ("rabbitmq",)),
    Program(
        "aiohttp_self", "aiohttp", "client and server, WebSocket", 2000, side="both", asyncio=True
    ),
    Program("aiohttp_tls", "aiohttp", "the same over TLS", 1000, side="both", asyncio=True),
    Program("http_server", "", "ThreadingHTTPServer", 3000, side="server"),
    Program("gunicorn_sync", "gunicorn", "sync worker", 3000, side="server"),
    Program("gunicorn_gthread", "gunicorn", "gthread worker, 4 threads", 3000, side="server"),
    Program("waitress_server", "waitress", "4 threads", 3000, side="server"),
    Program("uvicorn_server", "uvicorn", "asyncio, h11", 3000, side="server"),
    Program("uvicorn_tls", "uvicorn", "the same over TLS", 2000, side="server"),
    Program("paramiko_self", "paramiko", "exec, channels, SFTP, own server", 800, side="both"),
    Program("pyftpdlib_ftplib", "pyftpdlib", "with ftplib: up, down, list", 400, side="both"),
    Program(
        "aiosmtpd_smtplib",
        "aiosmtpd",
        "with smtplib: mails up to 1 MB",
        400,
        side="both",
        asyncio=True,
    ),
    Program("dnspython_self", "dnspython", "UDP, TCP, resolver, own server", 2000, side="both"),
    Program("websockets_sync", "websockets", "threads, fragments, 1 MB", 4000, side="both"),
    Program(
        "websockets_asyncio",
        "websockets",
        "asyncio, 8 connections",
        4000,
        side="both",
        asyncio=True,
    ),
    Program("trio_echo", "trio", "streams, TLS, UDP, unix", 4000, side="both"),
    Program(
        "anyio_asyncio", "anyio", "TCP, UDP, unix, on asyncio", 4000, side="both", asyncio=True
    ),
    Program("anyio_trio", "anyio", "the same on trio", 4000, side="both"),
    Program("uvloop_echo", "uvloop", "streams, sock_*, own sockets", 6000, side="both"),
    Program("uvicorn_uvloop", "uvicorn", "uvloop, h11", 3000, side="server"),
    Program(
        "gevent_echo",
        "gevent",
        "patch_all() after pysock",
        6000,
        side="both",
        replaced_by="gevent._socket3",
    ),
]
