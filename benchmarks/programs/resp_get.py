"""Records of RESP: ``resp_get.py PORT VARIANT``; for each line n, n times SET and GET of 64 bytes.

On the standard library the client is redis-py, on pysock the one of the examples.
"""

import sys
import time
from pathlib import Path

port, variant = int(sys.argv[1]), sys.argv[2]
value = bytes(64)
if variant == "stdlib":
    import redis

    client = redis.Redis(port=port, socket_timeout=5)

    def pass_through():
        client.set("key", value)
        assert client.get("key") == value
else:
    sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
    from resp_client import Client

    import pysock

    sock = pysock.create_connection(("127.0.0.1", port), timeout=5)
    sock.setsockopt(pysock.IPPROTO_TCP, pysock.TCP_NODELAY, 1)
    client = Client(sock)

    def pass_through():
        client.call("SET", "key", value)
        assert client.call("GET", "key") == value


print("ready")
for line in sys.stdin:
    wall, cpu = time.perf_counter_ns(), time.process_time_ns()
    for _ in range(int(line)):
        pass_through()
    print(time.perf_counter_ns() - wall, time.process_time_ns() - cpu)
