"""Bytes in bulk over UDP, as QUIC moves them: numbered, paced, acknowledged, sent again when lost.

Run it: python bulk_transfer.py

The sender puts ten packets into one buffer and hands it over by `send_segmented`; the kernel cuts
it (GSO). A pacer says when the next ten may leave: a burst of a whole window would fill the queues
on its way. The receiver lets the kernel join what arrives (GRO) and looks at it in place.
"""

import os
import struct
import threading
import time

import pysock as socket

PACKET = 1200  # as QUIC's first packets: fits every path
NUMBER = struct.Struct("!I")
PAYLOAD = PACKET - NUMBER.size
WINDOW = 50  # packets that are sent before the first of them is acknowledged
BURST = 10  # packets that leave together
RATE = 50_000_000  # bytes a second
SIZE = 5_000_000


class Pacer:
    """Bursts leave at *rate* bytes a second. What was not sent in time is not caught up with."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.next = time.monotonic()

    def wait(self, size: int) -> None:
        """Wait until a burst of *size* bytes may leave."""
        now = time.monotonic()
        if self.next > now:
            time.sleep(self.next - now)
        self.next = max(self.next, now) + size / self.rate


def receive(sock: socket.socket, out: bytearray, count: int) -> None:
    """Put the payload of *count* packets into *out*; acknowledge what is missing of each window."""
    batch = socket.DatagramBatch(64, PACKET)
    have = bytearray(count)
    told = 0
    while told < count:
        batch.recv_into(sock)
        for datagram in batch:
            data = datagram.data
            (number,) = NUMBER.unpack_from(data)
            if not have[number]:
                have[number] = 1
                at = number * PAYLOAD
                out[at : at + len(data) - NUMBER.size] = data[NUMBER.size :]
            sender = datagram.address
        while told < count and have[told]:
            told += 1
        sock.sendto(NUMBER.pack(told), sender)


def send(sock: socket.socket, data: bytes) -> tuple[int, int]:
    """Send *data* packet by packet, a window at a time, until all of it is acknowledged."""
    packets = [
        NUMBER.pack(number) + data[at : at + PAYLOAD]
        for number, at in enumerate(range(0, len(data), PAYLOAD))
    ]
    pacer = Pacer(RATE)
    done = calls = 0
    while done < len(packets):
        end = min(done + WINDOW, len(packets))
        for at in range(done, end, BURST):
            burst = b"".join(packets[at : min(at + BURST, end)])
            pacer.wait(len(burst))
            sock.send_segmented(burst, PACKET)
            calls += 1
        try:
            while done < end:
                for acknowledged, _ in sock.recvmmsg(64, NUMBER.size):
                    done = max(done, *NUMBER.unpack(acknowledged))
        except TimeoutError:
            pass  # some were lost: the window begins at the first of them now
    return len(packets), calls


def main() -> None:
    data = os.urandom(SIZE)
    out = bytearray(SIZE)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(10)
        receiver.set_gro(True)
        sender.connect(receiver.getsockname())
        sender.settimeout(0.2)
        thread = threading.Thread(target=receive, args=(receiver, out, -(-SIZE // PAYLOAD)))
        thread.start()
        begin = time.perf_counter()
        packets, calls = send(sender, data)
        seconds = time.perf_counter() - begin
        thread.join()
    assert out == data
    assert seconds > 0.9 * SIZE / RATE
    print(f"{SIZE} bytes in {packets} packets, {calls} calls, {SIZE / seconds / 1e6:.0f} MB/s")
    print("every byte arrived")


if __name__ == "__main__":
    main()
