"""The calls that wait, for a test to choose from, and a buffer too full to send into."""

WAITS = {
    "recv": lambda s, b: s.recv(10),
    "recv of much": lambda s, b: s.recv(262144),
    "recv_into": lambda s, b: s.recv_into(bytearray(10)),
    "recvfrom": lambda s, b: s.recvfrom(10),
    "recvfrom_into": lambda s, b: s.recvfrom_into(bytearray(10)),
    "recvmsg": lambda s, b: s.recvmsg(10),
    "recvmsg_into": lambda s, b: s.recvmsg_into([bytearray(10)]),
    "send": lambda s, b: s.send(b),
    "sendall": lambda s, b: s.sendall(b),
    "sendmsg": lambda s, b: s.sendmsg([b]),
}


def fill(sock):
    """Fill the send buffer of *sock* until not a byte more goes in."""
    timeout = sock.gettimeout()
    sock.setblocking(False)
    for size in (65536, 1):
        while True:
            try:
                sock.send(b"f" * size)
            except BlockingIOError:
                break
    sock.settimeout(timeout)
