"""redis-py: commands, pipelines, binary values, pub/sub, blocking commands, a pool and threads."""

import os
import threading

import redis
from measure import REQUESTS, measured, payload

PORT = int(os.environ["REDIS_PORT"])


def check(client):
    for size in (0, 1, 511, 65_536, 2_000_000):
        value = payload(size)
        assert client.set("binary", value) and client.get("binary") == value, size
    odd = bytes(range(256)) * 3 + b"\r\n$5\r\n"
    client.set("odd", odd)
    assert client.get("odd") == odd
    with client.pipeline() as pipe:
        for number in range(1000):
            pipe.set(f"key:{number}", payload(number))
            pipe.get(f"key:{number}")
        answers = pipe.execute()
    assert answers == [x for number in range(1000) for x in (True, payload(number))]
    assert client.mget([f"key:{number}" for number in range(1000)]) == answers[1::2]
    assert len(set(client.scan_iter("key:*", count=77))) == 1000
    client.delete("queue")
    assert client.blpop("queue", timeout=0.1) is None
    timer = threading.Timer(0.05, redis.Redis(port=PORT).rpush, ("queue", b"late"))
    timer.start()
    assert client.blpop("queue", timeout=5) == (b"queue", b"late")
    timer.join()
    impatient = redis.Redis(port=PORT, socket_timeout=0.1, retry=None)
    try:
        impatient.blpop("queue", timeout=5)
    except redis.TimeoutError:
        assert impatient.ping()  # on a new connection
    else:
        raise AssertionError("no timeout")


def check_pubsub(client):
    with client.pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.subscribe("news")
        while not client.pubsub_numsub("news")[0][1]:
            pubsub.get_message(timeout=0.1)
        for number in range(100):
            client.publish("news", payload(number * 50))
        for number in range(100):
            message = None
            while message is None:
                message = pubsub.get_message(timeout=5)
            assert message["data"] == payload(number * 50)
        assert pubsub.get_message(timeout=0.05) is None


def check_threads(client):
    failures = []

    def work(name):
        for number in range(100):
            client.set(name, value := payload(number * 7))
            if client.get(name) != value:
                failures.append((name, number))

    threads = [threading.Thread(target=work, args=(f"thread:{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def main():
    with redis.Redis(port=PORT, socket_timeout=20) as client:
        client.flushall()
        check(client)
        check_pubsub(client)
        check_threads(client)
        value = payload(64)
        with measured():
            for _ in range(REQUESTS // 2):
                client.set("key", value)
                assert client.get("key") == value


if __name__ == "__main__":
    main()
