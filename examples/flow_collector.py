"""A collector of flow records, as NetFlow sends them, on two processes that share a port.

Run it: python flow_collector.py

SO_REUSEPORT lets each process have a socket of its own on the port; the kernel gives every exporter
to one of them, always the same. Each takes its datagrams by the batch, into memory that is
allocated once. SO_RXQ_OVFL makes the kernel say how many it had no room for: a collector that does
not ask for this number cannot know what it has missed.
"""

import multiprocessing
import struct
from collections.abc import Iterator
from multiprocessing.connection import Connection

import pysock as socket

EXPORTERS = 16
PACKETS = 100  # of each exporter
FLOWS = 20  # records in a packet
HEADER = struct.Struct("!HHI")  # version, number of records, sequence
RECORD = struct.Struct("!4s4sHHI")  # from, to, ports, bytes


def collect(port: int, results: Connection) -> None:
    """One of the processes: add up the records until every exporter has said that it is done."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RXQ_OVFL, 1)
        sock.bind(("127.0.0.1", port))
        sock.set_gro(True)
        sock.settimeout(0.2)
        results.send("ready")
        batch = socket.DatagramBatch(64, 2048)
        packets = flows = volume = drops = 0
        exporters = set()
        while not results.poll():
            try:
                batch.recv_into(sock)
            except TimeoutError:
                continue
            for datagram in batch:
                _, count, _ = HEADER.unpack_from(datagram.data)
                for record in RECORD.iter_unpack(datagram.data[HEADER.size :]):
                    volume += record[-1]
                packets += 1
                flows += count
                drops = datagram.drops or drops
                exporters.add(datagram.address)
            results.send(packets + drops)
        results.send((packets, flows, volume, drops, len(exporters)))


def export(port: int, number: int) -> Iterator[int]:
    """One exporter: a socket of its own, its packets in one call."""
    record = RECORD.pack(bytes([10, 0, 0, number]), bytes([10, 0, 1, 1]), 1024, 443, 1500)
    packets = [HEADER.pack(5, FLOWS, i) + record * FLOWS for i in range(PACKETS)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", port))
        for at in range(0, PACKETS, 20):
            assert sock.sendmmsg(packets[at : at + 20]) == 20
            yield 20


def main() -> None:
    context = multiprocessing.get_context("spawn")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as reserved:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        workers = []
        for _ in range(2):
            ours, theirs = context.Pipe()
            worker = context.Process(target=collect, args=(port, theirs))
            worker.start()
            theirs.close()
            assert ours.recv() == "ready"
            workers.append((worker, ours))
    # The reservation is closed: from here on the port is the two processes' alone.
    sent, seen = 0, [0, 0]
    for number in range(EXPORTERS):
        for count in export(port, number):
            sent += count
            while sum(seen) < sent:  # no faster than they collect: nothing is lost
                for i, (_, results) in enumerate(workers):
                    if results.poll(0.01):
                        seen[i] = results.recv()
    totals = []
    for worker, results in workers:
        results.send("stop")
        while not isinstance(total := results.recv(), tuple):
            pass
        totals.append(total)
        worker.join()
    packets, flows, volume, drops, exporters = (sum(each) for each in zip(*totals, strict=True))
    print(f"packets {packets}, dropped by the kernel {drops}, exporters {exporters}")
    print(f"flows {flows}, bytes {volume}")
    assert (packets, drops, flows) == (EXPORTERS * PACKETS, 0, EXPORTERS * PACKETS * FLOWS)
    assert exporters == EXPORTERS, "each exporter went to one process"
    print("every flow was collected once")


if __name__ == "__main__":
    main()
