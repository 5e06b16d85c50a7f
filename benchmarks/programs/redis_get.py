"""redis-py, as it is: ``redis_get.py PORT``; for each line n, n times GET of 64 bytes."""

import sys
import time

import redis

client = redis.Redis(port=int(sys.argv[1]), socket_timeout=5)
client.set("key", bytes(64))
print("ready")
for line in sys.stdin:
    wall, cpu = time.perf_counter_ns(), time.process_time_ns()
    for _ in range(int(line)):
        client.get("key")
    print(time.perf_counter_ns() - wall, time.process_time_ns() - cpu)
