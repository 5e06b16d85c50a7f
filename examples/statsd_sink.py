"""A statsd sink: counters that come as datagrams, some of them lost, and how many the kernel says.

Run it: python statsd_sink.py

The sink takes what has arrived by one call into an arena that is allocated once. SO_RXQ_OVFL makes
the kernel tell, with a datagram, how many it has dropped before it for want of room: a sink that
does not ask cannot know.
"""

import threading
from collections import Counter

import pysock as socket

METRICS = 20_000
PER_CALL = 500


def serve(sock: socket.socket, counters: Counter[str], told: Counter[str]) -> None:
    """Count until the datagram that says stop; return nothing, fill *counters* and *told*."""
    batch = socket.DatagramBatch(64, 512)
    while True:
        batch.recv_into(sock)
        told["calls"] += 1
        for datagram in batch:
            if datagram.drops is not None:
                told["drops"] = datagram.drops
            line = bytes(datagram)
            if line == b"stop":
                return
            name, value = line.partition(b"|")[0].split(b":")
            counters[name.decode()] += int(value)
            told["datagrams"] += 1


def main() -> None:
    counters: Counter[str] = Counter()
    told: Counter[str] = Counter()
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
    ):
        sink.bind(("127.0.0.1", 0))
        sink.settimeout(10)
        sink.setsockopt(socket.SOL_SOCKET, socket.SO_RXQ_OVFL, 1)
        client.connect(sink.getsockname())
        lines = [b"requests:1|c" if i % 4 else b"errors:1|c" for i in range(METRICS)]
        # Before anybody reads: more than the receive buffer holds.
        sent = sum(client.sendmmsg(lines[i : i + PER_CALL]) for i in range(0, METRICS, PER_CALL))
        server = threading.Thread(target=serve, args=(sink, counters, told))
        server.start()
        seen = -1
        while seen != told["datagrams"]:
            seen = told["datagrams"]
            server.join(0.2)
        client.send(b"stop")  # there is room for it now, and it brings the last count
        server.join()
    assert told["datagrams"] + told["drops"] == sent == METRICS, (told, sent)
    print(f"sent {sent}, counted {dict(counters)}, in {told['calls']} calls")
    print(f"dropped, as the kernel says: {told['drops']}")
    print("every datagram is accounted for")


if __name__ == "__main__":
    main()
