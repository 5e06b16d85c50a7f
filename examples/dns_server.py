"""A DNS server: it takes up to 64 questions by one call, and answers them by another.

Run it: python dns_server.py [HOST:PORT]        (needs dnspython: pip install dnspython)

Ask it: dig @127.0.0.1 -p 5353 www.example.org

The kernel counts the questions that it had no room for (SO_RXQ_OVFL). The server prints that count
when it ends, at Ctrl-C.
"""

import signal
import sys
import threading

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rrset

import pysock as socket

ZONE = {
    ("www.example.org.", "A"): ["192.0.2.1", "192.0.2.2"],
    ("www.example.org.", "AAAA"): ["2001:db8::1"],
    ("example.org.", "MX"): ["10 mail.example.org."],
}
NAMES = {name for name, _ in ZONE}


def answer(data: bytes) -> bytes | None:
    """The answer to a message, or None: what is no question gets no answer."""
    try:
        question = dns.message.from_wire(data)
    except dns.exception.DNSException:
        return None
    if question.flags & dns.flags.QR or len(question.question) != 1:
        return None
    asked = question.question[0]
    name, kind = asked.name.to_text().lower(), dns.rdatatype.to_text(asked.rdtype)
    reply = dns.message.make_response(question)
    reply.flags |= dns.flags.AA
    if records := ZONE.get((name, kind)):
        reply.answer.append(dns.rrset.from_text(asked.name, 60, "IN", kind, *records))
    elif name not in NAMES:
        reply.set_rcode(dns.rcode.NXDOMAIN)
    return reply.to_wire()


def serve(sock: socket.socket, stopping: threading.Event) -> None:
    """Answer until *stopping* is set."""
    batch = socket.DatagramBatch(64, 512)
    drops = answered = 0
    while not stopping.is_set():
        try:
            batch.recv_into(sock)
        except TimeoutError:
            continue
        answers = []
        for datagram in batch:
            drops = datagram.drops or drops
            if (reply := answer(bytes(datagram))) is not None:
                answers.append((reply, datagram.address))
        answered += sock.sendmmsg(answers)
    print(f"answered {answered}, dropped by the kernel {drops}")


def main(address: str = "127.0.0.1:5353") -> None:
    host, _, port = address.rpartition(":")
    # A handler that raised could do so between a send and its count.
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RXQ_OVFL, 1)
        sock.settimeout(0.2)  # how soon it notices that it is to stop
        sock.bind((host, port))
        print("serving on {}:{}".format(*sock.getsockname()), flush=True)
        serve(sock, stopping)


if __name__ == "__main__":
    main(*sys.argv[1:])
