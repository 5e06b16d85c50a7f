"""Thank every UDP client that sends its name: python udp_server.py"""

import socket

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
    server.bind(("127.0.0.1", 0))
    print("listening on", server.getsockname()[1], "with", type(server), flush=True)
    while True:
        name, client = server.recvfrom(4096)
        server.sendto(b"Thank you for connecting, " + name.rstrip(b"\n"), client)
