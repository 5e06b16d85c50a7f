"""A redis client by hand: ``redis_ping.py PORT``; for each line n, n times PING."""

import socket
import sys
import time


def ping(sock, n):
    for _ in range(n):
        sock.sendall(b"*1\r\n$4\r\nPING\r\n")
        reply = sock.recv(65536)
        if reply != b"+PONG\r\n":
            raise RuntimeError(reply)


with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=5) as sock:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    print("ready")
    for line in sys.stdin:
        wall, cpu = time.perf_counter_ns(), time.process_time_ns()
        ping(sock, int(line))
        print(time.perf_counter_ns() - wall, time.process_time_ns() - cpu)
