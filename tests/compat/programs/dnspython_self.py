"""dnspython against a server of its own messages: UDP, TCP after truncation, resolver, timeouts."""

import asyncio
import socketserver
import struct
import threading

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.resolver
import dns.rrset
from measure import REQUESTS, measured


def answer(wire, *, udp):
    query = dns.message.from_wire(wire)
    response = dns.message.make_response(query)
    name = query.question[0].name
    if name.to_text().startswith("nothing"):
        response.set_rcode(dns.rcode.NXDOMAIN)
    elif name.to_text().startswith("silence"):
        return None
    elif name.to_text().startswith("large"):
        if udp:
            response.flags |= dns.flags.TC
        else:
            text = ['"' + f"{number:04}" * 60 + '"' for number in range(200)]
            response.answer.append(dns.rrset.from_text_list(name, 300, "IN", "TXT", text))
    else:
        response.answer.append(dns.rrset.from_text(name, 300, "IN", "A", "192.0.2.1", "192.0.2.2"))
    return response.to_wire()


class OverUDP(socketserver.BaseRequestHandler):
    def handle(self):
        data, sock = self.request
        if response := answer(data, udp=True):
            sock.sendto(response, self.client_address)


class OverTCP(socketserver.StreamRequestHandler):
    def handle(self):
        while size := self.rfile.read(2):
            response = answer(self.rfile.read(struct.unpack("!H", size)[0]), udp=False)
            self.wfile.write(struct.pack("!H", len(response)) + response)


def addresses(response):
    return sorted(item.address for rrset in response.answer for item in rrset)


def check(port):
    where = {"port": port, "timeout": 10}
    query = dns.message.make_query("host.test.", "A")
    for ask in (dns.query.udp, dns.query.tcp):
        assert addresses(ask(query, "127.0.0.1", **where)) == ["192.0.2.1", "192.0.2.2"]
    large = dns.message.make_query("large.test.", "TXT")
    response, fell_back = dns.query.udp_with_fallback(large, "127.0.0.1", **where)
    texts = sorted(item.strings[0].decode() for item in response.answer[0])
    assert fell_back and texts == [f"{number:04}" * 60 for number in range(200)]
    silence = dns.message.make_query("silence.test.", "A")
    try:
        dns.query.udp(silence, "127.0.0.1", port=port, timeout=0.1)
    except dns.exception.Timeout:
        pass
    else:
        raise AssertionError("no timeout")
    query_async = dns.asyncquery.udp(query, "127.0.0.1", **where)
    assert addresses(asyncio.run(query_async)) == ["192.0.2.1", "192.0.2.2"]
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], port
    assert sorted(item.address for item in resolver.resolve("host.test.")) == [
        "192.0.2.1",
        "192.0.2.2",
    ]
    try:
        resolver.resolve("nothing.test.")
    except dns.resolver.NXDOMAIN:
        pass
    else:
        raise AssertionError("a name that is not there")


def main():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), OverTCP) as tcp:
        port = tcp.server_address[1]
        with socketserver.UDPServer(("127.0.0.1", port), OverUDP) as udp:
            servers = [tcp, udp]
            threads = [threading.Thread(target=server.serve_forever) for server in servers]
            for thread in threads:
                thread.start()
            try:
                check(port)
                query = dns.message.make_query("host.test.", "A")
                with measured():
                    for _ in range(REQUESTS):
                        response = dns.query.udp(query, "127.0.0.1", port=port, timeout=10)
                        assert len(response.answer[0]) == 2
            finally:
                for server in servers:
                    server.shutdown()
                for thread in threads:
                    thread.join()


if __name__ == "__main__":
    main()
