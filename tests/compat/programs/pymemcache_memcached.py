"""pymemcache with memcached: values with ends of line in them, many keys, cas, a pool, threads."""

import os
import threading

from measure import REQUESTS, measured, payload
from pymemcache.client.base import Client, PooledClient

SERVER = ("127.0.0.1", int(os.environ["MEMCACHED_PORT"]))
TIMEOUTS = {"connect_timeout": 10, "timeout": 10}


def check(client):
    client.flush_all(noreply=False)
    for size in (0, 1, 4096, 900_000):
        assert client.set("key", payload(size), noreply=False)
        assert client.get("key") == payload(size)
    odd = b"\r\nEND\r\nVALUE key 0 3\r\n" + bytes(range(256))
    client.set("odd", odd, noreply=False)
    assert client.get("odd") == odd
    many = {f"many:{number}": payload(number * 10) for number in range(500)}
    assert client.set_many(many, noreply=False) == []
    assert client.get_many(list(many)) == many
    value, cas = client.gets("odd")
    assert client.cas("odd", b"new", cas) and client.cas("odd", b"newer", cas) is False
    assert client.delete("odd", noreply=False) and client.get("odd") is None
    client.set("count", "7", noreply=False)
    assert client.incr("count", 5) == 12


def check_pool():
    pool, failures = PooledClient(SERVER, max_pool_size=4, **TIMEOUTS), []

    def work(name):
        for number in range(200):
            pool.set(name, payload(number * 5), noreply=False)
            if pool.get(name) != payload(number * 5):
                failures.append(name)

    threads = [threading.Thread(target=work, args=(f"pool:{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pool.close()
    assert not failures


def main():
    client = Client(SERVER, no_delay=True, **TIMEOUTS)
    check(client)
    check_pool()
    value = payload(64)
    with measured():
        for _ in range(REQUESTS // 2):
            client.set("key", value, noreply=False)
            assert client.get("key") == value
    client.close()


if __name__ == "__main__":
    main()
