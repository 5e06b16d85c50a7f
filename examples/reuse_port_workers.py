"""A server of several processes: each accepts on a listener of its own, all on one port.

Run it: python reuse_port_workers.py [spawn | fork | forkserver]

The kernel spreads the connections over the listeners (SO_REUSEPORT): no worker wakes up for one
that another worker takes. The parent makes all listeners, so that none is missing when the first
client comes, and gives each worker one: multiprocessing can send it, however it starts processes.
"""

import collections
import concurrent.futures
import multiprocessing
import multiprocessing.connection
import os
import sys
from multiprocessing.connection import Connection

import pysock as socket

WORKERS = 4
CONNECTIONS = 300
SIZE = 20_000


def work(number: int, listener: socket.socket, control: Connection) -> None:
    """Answer each connection with the worker's number and what came; at the end tell how many."""
    served = 0
    with listener, control:
        while True:
            if listener in multiprocessing.connection.wait([listener, control]):
                connection, _ = listener.accept()
                with connection, connection.makefile("rb") as said:
                    connection.sendall(bytes([number]) + said.read())
                served += 1
            else:
                control.recv()
                control.send(served)
                return


def ask(address: tuple[str, int]) -> int:
    """Send some bytes, check that they come back, and return who answered."""
    data = os.urandom(SIZE)
    with socket.create_connection(address, total_timeout=30) as sock:
        sock.settimeout(30)
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        with sock.makefile("rb") as said:
            answer = said.read()
    assert answer[1:] == data
    return answer[0]


def main(method: str = "spawn") -> None:
    multiprocessing.set_start_method(method)
    workers = []
    for number, listener in enumerate(socket.reuse_port_listeners(("127.0.0.1", 0), WORKERS)):
        control, theirs = multiprocessing.Pipe()
        process = multiprocessing.Process(target=work, args=(number, listener, theirs), daemon=True)
        process.start()
        address = listener.getsockname()
        listener.close()  # the worker has it now, and its queue with it
        theirs.close()
        workers.append((process, control))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answered = collections.Counter(pool.map(ask, [address] * CONNECTIONS))
    for number, (process, control) in enumerate(workers):
        control.send("end")
        assert control.recv() == answered[number] > 0
        process.join(30)
        assert process.exitcode == 0
        control.close()
        process.close()
    print(f"{CONNECTIONS} connections, by worker: {sorted(answered.items())}")
    print("every worker served, every byte came back, every process ended")


if __name__ == "__main__":
    main(*sys.argv[1:])
