"""A fleet of asyncio servers on one port, a process each, that count their connections.

Run it: python asyncio_fleet.py

Every process has a listener of its own (SO_REUSEPORT), and the kernel spreads the connections over
them. The parent asks each worker for its count, and compares it with what the clients saw.
"""

import asyncio
import collections
import multiprocessing
from multiprocessing.connection import Connection

import pysock

WORKERS = 3
CLIENTS = 200


async def serve(number: int, listener: pysock.socket, control: Connection) -> int:
    """Serve until the parent writes, and return how many connections there were."""
    served = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        served += 1
        writer.write(b"%d " % number + await reader.readline())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, sock=listener)
    told = asyncio.Event()
    asyncio.get_running_loop().add_reader(control.fileno(), told.set)
    await told.wait()
    asyncio.get_running_loop().remove_reader(control.fileno())
    server.close()
    return served


def work(number: int, listener: pysock.socket, control: Connection) -> None:
    with control:
        served = pysock.run(serve(number, listener, control))
        control.recv()
        control.send(served)


async def ask(address: tuple[str, int]) -> int:
    """Say hello, and return which worker answered."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"hello\n")
    number, text = (await reader.readline()).split()
    assert text == b"hello" and not await reader.read()
    writer.close()
    await writer.wait_closed()
    return int(number)


async def ask_all(address: tuple[str, int]) -> list[int]:
    answered = []
    for _ in range(CLIENTS // 20):
        answered += await asyncio.gather(*(ask(address) for _ in range(20)))
    return answered


def main() -> None:
    context = multiprocessing.get_context("spawn")
    listeners = pysock.reuse_port_listeners(("127.0.0.1", 0), WORKERS)
    address = listeners[0].getsockname()
    workers = []
    for number, listener in enumerate(listeners):
        control, theirs = context.Pipe()
        process = context.Process(target=work, args=(number, listener, theirs), daemon=True)
        process.start()
        listener.close()  # the worker has it now
        theirs.close()
        workers.append((process, control))
    seen = collections.Counter(pysock.run(ask_all(address)))
    for number, (process, control) in enumerate(workers):
        control.send("end")
        served = control.recv()
        print(f"worker {number}: {served} connections")
        assert served == seen[number]
        process.join(30)
        assert process.exitcode == 0
        control.close()
        process.close()
    assert seen.total() == CLIENTS
    print("every connection was counted by its worker")


if __name__ == "__main__":
    main()
