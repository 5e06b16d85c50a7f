"""A DNS stub that asks a hundred questions by one call, and takes the answers as they come.

Run it: python dns_stub.py        (needs dnspython: pip install dnspython)

The server beside it is a small one of dnspython's messages, on loopback.
"""

import random
import sys
import threading

import pysock as socket

try:
    import dns.flags
    import dns.message
    import dns.rrset
except ImportError:
    sys.exit("this example needs dnspython: pip install dnspython")

QUESTIONS = 100


def serve(sock: socket.socket) -> None:
    """Answer every question with an address made from its name, many at a time."""
    while True:
        answers = []
        for data, client in sock.recvmmsg(64, 512):
            if not data:
                return
            question = dns.message.from_wire(data)
            name = question.question[0].name
            number = int(str(name.labels[0], "ascii").removeprefix("host"))
            answer = dns.message.make_response(question)
            answer.flags |= dns.flags.AA
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "A", f"10.0.0.{number}"))
            answers.append((answer.to_wire(), client))
        sock.sendmmsg(answers)


def resolve(sock: socket.socket, names: list[str]) -> dict[str, str]:
    """Return {name: address}; ask again for what is not answered within the socket's timeout."""
    # No two alike, and none to be guessed.
    ids = random.SystemRandom().sample(range(1 << 16), len(names))
    asked = {
        id: (name, dns.message.make_query(name, "A", id=id))
        for id, name in zip(ids, names, strict=True)
    }
    found: dict[str, str] = {}
    for _ in range(3):
        sock.sendmmsg([query.to_wire() for name, query in asked.values() if name not in found])
        try:
            while len(found) < len(asked):
                for data, _ in sock.recvmmsg(64, 512):
                    answer = dns.message.from_wire(data)
                    name, query = asked.get(answer.id, ("", None))
                    if query is not None and query.is_response(answer):
                        found[name] = answer.answer[0][0].address
        except TimeoutError:
            continue
        break
    return found


def main() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stub,
    ):
        server.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        stub.connect(server.getsockname())
        stub.settimeout(2)
        names = [f"host{number}.example." for number in range(QUESTIONS)]
        found = resolve(stub, names)
        stub.send(b"")
        thread.join()
    assert found == {name: f"10.0.0.{number}" for number, name in enumerate(names)}
    print(f"{names[7]} is {found[names[7]]}")
    print(f"{len(found)} of {QUESTIONS} questions answered")


if __name__ == "__main__":
    main()
