"""A DNS server: it takes up to 64 questions by one call, and answers them by another.

Run it: python dns_server.py [HOST:PORT]        (needs dnspython: pip install dnspython)

Ask it: dig @127.0.0.1 -p 5353 www.example.org

The kernel counts the questions that it had no room for (SO_RXQ_OVFL). The server prints that count
when it ends, at Ctrl-C.
"""

import contextlib
import signal
import sys

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


def serve(sock: socket.socket) -> None:
    """Answer until an exception ends it, a signal's for one."""
    batch = socket.DatagramBatch(64, 512)
    drops = answered = 0
    try:
        while True:
            batch.recv_into(sock)
            answers = []
            for datagram in batch:
                drops = datagram.drops or drops
                if (reply := answer(bytes(datagram))) is not None:
                    answers.append((reply, datagram.address))
            answered += sock.sendmmsg(answers)
    finally:
        print(f"answered {answered}, dropped by the kernel {drops}", flush=True)


def main(address: str = "127.0.0.1:5353") -> None:
    host, _, port = address.rpartition(":")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RXQ_OVFL, 1)
        sock.bind((host, port))
        print("serving on {}:{}".format(*sock.getsockname()), flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            serve(sock)


if __name__ == "__main__":
    main(*sys.argv[1:])
