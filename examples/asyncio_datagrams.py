"""asyncio: a datagram socket drained by the batch, with a cap per turn of the loop.

Run it: python asyncio_datagrams.py

`add_reader` calls back when there is something to read. One batch is taken per call, not all that
comes: a flood of datagrams must not keep the loop from its other tasks. What is left makes the
socket readable again at once.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeAlias

import pysock as socket

DATAGRAMS = 2000
PER_TURN = 64
Datagrams: TypeAlias = list[tuple[bytes, Any]]


class Receiver:
    """Takes the datagrams of *sock*, at most *per_turn* messages in one turn of the loop."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: socket.socket,
        received: Callable[[Datagrams], None],
        per_turn: int = PER_TURN,
    ) -> None:
        self.loop, self.sock = loop, sock
        self.received, self.per_turn = received, per_turn
        self.turns = 0
        loop.add_reader(sock, self._readable)

    def _readable(self) -> None:
        try:
            datagrams = self.sock.recvmmsg(self.per_turn, 2048)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:  # what came back for something sent: no reason to stop
            print("heard of", error)
            return
        self.turns += 1
        self.received(datagrams)

    def close(self) -> None:
        self.loop.remove_reader(self.sock)


async def main() -> None:
    loop = asyncio.get_running_loop()
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
    ):
        for one in (sock, client):
            one.setblocking(False)
        sock.bind(("127.0.0.1", 0))
        client.connect(sock.getsockname())
        came: list[bytes] = []
        most = ticks = 0

        def received(datagrams: Datagrams) -> None:
            nonlocal most
            most = max(most, len(datagrams))
            came.extend(data for data, _ in datagrams)

        receiver = Receiver(loop, sock, received)
        for at in range(0, DATAGRAMS, 100):
            client.sendmmsg([b"%d" % number for number in range(at, at + 100)])
            while len(came) < at + 100:  # the loop turns: other tasks run beside the flood
                ticks += 1
                await asyncio.sleep(0)
        receiver.close()
    assert came == [b"%d" % number for number in range(DATAGRAMS)]
    assert most <= PER_TURN and ticks >= receiver.turns // 2
    print(f"{len(came)} datagrams in {receiver.turns} turns, at most {most} in one")
    print("the loop was never held up")


if __name__ == "__main__":
    asyncio.run(main())
