"""Real servers, from Debian's packages: each on a free loopback port, in a directory of its own.

A server is a context manager: it gives the environment by which the programs find it, and is
stopped by its handle, whatever happened in between.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

READY_WITHIN = 30  # seconds
PASSWORD = "a word: \u00e4 and %"

# The program of each server, where PATH may not lead, and Debian's package. RabbitMQ's by its path:
# what PATH finds changes the user, and takes the system's settings.
PACKAGES = {
    "redis": ("redis-server", "redis-server"),
    "nginx": ("nginx", "nginx"),
    "memcached": ("memcached", "memcached"),
    "postgres": ("postgres", "postgresql"),
    "mariadb": ("mariadbd", "mariadb-server"),
    "rabbitmq": ("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server"),
}


def find(program: str) -> str | None:
    places = [os.environ.get("PATH", ""), "/usr/sbin", *map(str, postgres_directories())]
    return shutil.which(program, path=os.pathsep.join(places))


def postgres_directories() -> list[Path]:
    return sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def missing(names: list[str]) -> list[str]:
    """The packages without which the servers *names* cannot run."""
    return [
        package
        for name, (program, package) in PACKAGES.items()
        if name in names and not find(program)
    ]


def install(packages: list[str]) -> None:
    quiet = {"check": True, "stdout": subprocess.DEVNULL}
    subprocess.run(["apt-get", "update", "-qq"], **quiet)
    # Debian starts what it installs; in this runlevel it does not.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    subprocess.run(command, env=environment, **quiet)


def version(name: str) -> str:
    program = find(PACKAGES[name][0])
    if name == "rabbitmq":  # asked, it starts
        return Path(program).resolve().parents[1].name.partition("-")[2]
    option = "-v" if name == "nginx" else "--version"
    done = subprocess.run([program, option], check=True, capture_output=True, text=True)
    words = (done.stdout + done.stderr).replace("nginx/", "").replace("v=", "").split()
    return next(word for word in words if word[0].isdigit()).partition("-")[0]


@contextlib.contextmanager
def running(names: list[str], directory: Path, python: str) -> Iterator[dict[str, str]]:
    environment: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        for name in names:
            home = directory / name
            home.mkdir()
            environment |= stack.enter_context(SERVERS[name](home, python))
        yield environment


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextlib.contextmanager
def serving(
    command: list[str], home: Path, ports: list[int], *, within: float = READY_WITHIN, **options
) -> Iterator[None]:
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=home, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **options
        )
    try:
        for port in ports:
            wait_for(port, process, home, within)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(port: int, process: subprocess.Popen, home: Path, within: float) -> None:
    end = time.monotonic() + within
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError as error:
            if process.poll() is not None or time.monotonic() > end:
                said = (home / "log").read_text(errors="replace")
                raise RuntimeError(f"{process.args[0]} does not listen:\n{said}") from error
            time.sleep(0.05)


def unprivileged(home: Path) -> dict[str, object]:
    """Popen's arguments for a server that refuses to be root's; *home* becomes that user's."""
    if os.getuid():
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            break
    shutil.chown(home, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@contextlib.contextmanager
def redis(home: Path, python: str) -> Iterator[dict[str, str]]:
    certify(home, python)
    port, tls = free_port(), free_port()
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    options += ["--tls-port", str(tls), "--tls-auth-clients", "no"]
    options += ["--tls-cert-file", home / "server.pem", "--tls-key-file", home / "server.key"]
    with serving([find("redis-server"), *options], home, [port, tls]):
        yield {
            "REDIS_PORT": str(port),
            "REDIS_TLS_PORT": str(tls),
            "REDIS_CA": str(home / "client.pem"),
        }


@contextlib.contextmanager
def memcached(home: Path, python: str) -> Iterator[dict[str, str]]:
    port = free_port()
    command = [find("memcached"), "-l", "127.0.0.1", "-p", str(port), "-U", "0", "-m", "64"]
    with serving(command, home, [port], **unprivileged(home)):
        yield {"MEMCACHED_PORT": str(port)}


@contextlib.contextmanager
def postgres(home: Path, python: str) -> Iterator[dict[str, str]]:
    options = unprivileged(home)
    secret = home / "password"
    secret.write_text(PASSWORD + "\n", encoding="utf-8")
    if options:
        shutil.chown(secret, options["user"])
    initdb = [
        Path(find("postgres")).resolve().parent / "initdb",
        "-D",
        home / "data",
        "-U",
        "compat",
    ]
    initdb += ["-A", "scram-sha-256", "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync"]
    quiet = {"check": True, "stdout": subprocess.DEVNULL}
    subprocess.run([*initdb, "--pwfile", secret], cwd=home, **quiet, **options)
    port = free_port()
    command = [find("postgres"), "-D", "data", "-p", str(port), "-c", "listen_addresses=127.0.0.1"]
    command += ["-c", f"unix_socket_directories={home}", "-c", "fsync=off"]
    with serving(command, home, [port], **options):
        yield {
            "POSTGRES_PORT": str(port),
            "POSTGRES_PASSWORD": PASSWORD,
            "PGHOST": "127.0.0.1",
            "PGPORT": str(port),
        }


MARIADB = """
FLUSH PRIVILEGES;
CREATE DATABASE compat CHARACTER SET utf8mb4;
CREATE DATABASE test1 CHARACTER SET utf8mb4;
CREATE DATABASE test2 CHARACTER SET utf8mb4;
CREATE USER compat@'127.0.0.1' IDENTIFIED BY PASSWORD '*{secret}';
GRANT ALL ON *.* TO compat@'127.0.0.1' WITH GRANT OPTION;
"""


@contextlib.contextmanager
def mariadb(home: Path, python: str) -> Iterator[dict[str, str]]:
    certify(home, python)
    options = unprivileged(home)
    if options:
        shutil.chown(home / "server.key", options["user"])
    secret = hashlib.sha1(hashlib.sha1(PASSWORD.encode("latin1")).digest()).hexdigest()
    (home / "first.sql").write_text(MARIADB.format(secret=secret.upper()), encoding="utf-8")
    directories = ["--no-defaults", f"--datadir={home / 'data'}", f"--tmpdir={home}"]
    first = ["--auth-root-authentication-method=normal", "--skip-test-db"]
    command = [find("mariadb-install-db"), *directories, *first]
    quiet = {"check": True, "stdout": subprocess.DEVNULL}
    subprocess.run([*command, f"--extra-file={home / 'first.sql'}"], cwd=home, **quiet, **options)
    port = free_port()
    command = [find("mariadbd"), *directories, "--bind-address=127.0.0.1", f"--port={port}"]
    command += [f"--socket={home / 'socket'}", f"--pid-file={home / 'pid'}"]
    command += [f"--ssl-cert={home / 'server.pem'}", f"--ssl-key={home / 'server.key'}"]
    command += ["--local-infile=1", "--max-allowed-packet=64M", "--skip-name-resolve"]
    with serving(command, home, [port], **options):
        yield {
            "MARIADB_PORT": str(port),
            "MARIADB_PASSWORD": PASSWORD,
            "MARIADB_CA": str(home / "client.pem"),
        }


NODE = "compat@localhost"
RABBITMQ = """
[{{rabbit, [
    {{tcp_listeners, [{{"127.0.0.1", {port}}}]}},
    {{default_user, <<"compat">>}},
    {{default_pass, <<{password}>>}}
]}}].
"""


@contextlib.contextmanager
def rabbitmq(home: Path, python: str) -> Iterator[dict[str, str]]:
    port = free_port()
    configuration = home / "rabbitmq.config"
    password = ", ".join(map(str, PASSWORD.encode()))  # the file's text would be taken for Latin-1
    configuration.write_text(RABBITMQ.format(port=port, password=password), encoding="ascii")
    environment = {
        **os.environ,
        "HOME": str(home),  # of Erlang's cookie
        "RUNNING_UNDER_SYSTEMD": "true",  # the script becomes the broker, and is not its parent
        # A node by itself: no epmd, which would outlive it, and no listener for other nodes. The
        # broker asks at which port that is, and does not start without an answer.
        "ERL_FLAGS": "-start_epmd false -dist_listen false -erl_epmd_port 1",
        # Named from the start: else the broker asks epmd first whether another has its name. Syslog
        # is not used, but starts, and by its default protocol not on a machine without a name.
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"-sname {NODE} -syslog protocol rfc5424",
        "RABBITMQ_NODENAME": NODE,
        "RABBITMQ_CONF_ENV_FILE": str(home / "none"),
        "RABBITMQ_CONFIG_FILE": str(configuration),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "none"),
        "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
        "RABBITMQ_LOG_BASE": str(home),
        "RABBITMQ_LOGS": "-",
    }
    options = {"env": environment, **unprivileged(home)}
    with serving([find(PACKAGES["rabbitmq"][0])], home, [port], within=120, **options):
        yield {"RABBITMQ_PORT": str(port), "RABBITMQ_PASSWORD": PASSWORD}


def certify(home: Path, python: str) -> None:
    command = [python, "-m", "trustme", "-q", "-d", home, "-i", "localhost", "127.0.0.1"]
    subprocess.run(command, check=True)


NGINX = """
daemon off;
master_process off;
pid {home}/pid;
error_log {home}/error.log;
events {{ worker_connections 128; }}
http {{
    access_log off;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    client_max_body_size 16m;
    keepalive_requests 1000000;
    sendfile on;
    tcp_nopush on;
    gzip on;
    gzip_types text/plain;
    gzip_min_length 1;
    types {{ text/plain txt; }}
    default_type application/octet-stream;
    ssl_certificate {home}/server.pem;
    ssl_certificate_key {home}/server.key;
    server {{
        listen 127.0.0.1:{plain};
        listen 127.0.0.1:{tls} ssl;
        root {home}/site;
        location /put/ {{ dav_methods PUT DELETE; }}
        location /moved {{ absolute_redirect off; return 302 /small; }}
        location /slow {{ limit_rate 10; }}
    }}
}}
"""


@contextlib.contextmanager
def nginx(home: Path, python: str) -> Iterator[dict[str, str]]:
    certify(home, python)
    (home / "site" / "put").mkdir(parents=True)
    text = b"".join(b"%08x" % number for number in range(400_000))
    for name, size in {"small": 200, "large": 3_000_000, "page.txt": 100_000, "slow": 200}.items():
        (home / "site" / name).write_bytes(text[:size])
    plain, tls = free_port(), free_port()
    configuration = home / "nginx.conf"
    configuration.write_text(NGINX.format(home=home, plain=plain, tls=tls))
    command = [find("nginx"), "-p", home, "-c", configuration, "-e", home / "error.log"]
    with serving(command, home, [plain, tls]):
        yield {
            "NGINX_URL": f"http://127.0.0.1:{plain}",
            "NGINX_TLS_URL": f"https://localhost:{tls}",
            "NGINX_CA": str(home / "client.pem"),
        }


SERVERS = {
    "redis": redis,
    "nginx": nginx,
    "memcached": memcached,
    "postgres": postgres,
    "mariadb": mariadb,
    "rabbitmq": rabbitmq,
}
