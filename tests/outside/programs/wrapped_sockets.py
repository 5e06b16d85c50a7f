"""Classes made around sockets, as TLS and proxies make them: all of theirs is used."""

import functools
import http.client
import io
import selectors
import smtplib
import socket
import socketserver
import tempfile
import threading

from shown import Log, say, tried

called = Log()


def noted(function):
    @functools.wraps(function)
    def noting(*args, **kwargs):
        called.append(function.__name__)
        return function(*args, **kwargs)

    return noting


def swapped(data):
    return bytes(data).swapcase()


class Ciphered(socket.socket):
    """As ssl.SSLSocket is made: of another's descriptor, with a transfer of its own."""

    @classmethod
    def wrap(cls, sock):
        self = cls.__new__(cls, family=sock.family, type=sock.type, proto=sock.proto, fileno=None)
        super(Ciphered, self).__init__(
            family=sock.family, type=sock.type, proto=sock.proto, fileno=sock.fileno()
        )
        self.settimeout(sock.gettimeout())
        sock.detach()
        self.wrapped = True
        return self

    @noted
    def recv(self, buflen=1024, flags=0):
        return swapped(super().recv(buflen, flags))

    @noted
    def recv_into(self, buffer, nbytes=None, flags=0):
        data = swapped(super().recv(nbytes or len(buffer), flags))
        buffer[: len(data)] = data
        return len(data)

    @noted
    def send(self, data, flags=0):
        return super().send(swapped(data), flags)

    @noted
    def sendall(self, data, flags=0):
        with memoryview(data) as view, view.cast("B") as byte_view:
            sent = 0
            while sent < len(byte_view):
                sent += self.send(byte_view[sent:], flags)

    @noted
    def sendfile(self, file, offset=0, count=None):
        return self._sendfile_use_send(file, offset, count)

    @noted
    def _real_close(self):
        super()._real_close()

    @noted
    def accept(self):
        sock, address = super().accept()
        return type(self).wrap(sock), address

    @noted
    def shutdown(self, how):
        super().shutdown(how)


class Proxy:
    """Has a socket, and is none."""

    def __init__(self, sock):
        self._sock = sock

    def __getattr__(self, name):
        called.append(name)
        return getattr(self._sock, name)

    def makefile(self, mode, buffering=None):
        raw = socket.SocketIO(self, mode)
        return io.BufferedReader(raw) if "r" in mode else io.BufferedWriter(raw)


file = tempfile.TemporaryFile()
file.write(b"From A File")
file.seek(0)
a, b = socket.socketpair()
one, other = Ciphered.wrap(a), Ciphered.wrap(b)
one.send(b"Hello")
say("send", other.recv(10), called.taken())
one.sendall(b"Hello All")
say("sendall", other.recv(20), called.taken())
say("sendfile", one.sendfile(file), other.recv(20), called.taken())
file.seek(0)
say("sendfile", socket.socket.sendfile(one, file), other.recv(20), called.taken())
with other.makefile("rwb") as made, one.makefile("r", encoding="ascii", newline="") as text:
    one.sendall(b"A Line\n")
    say("readline", made.readline(), called.taken())
    made.write(b"Another\n")
    made.flush()
    say("readline", text.readline(), called.taken())
tried("dup", lambda: type(one.dup()).__name__)
with selectors.EpollSelector() as selector:
    selector.register(other, selectors.EVENT_READ, "data")
    one.send(b"x")
    say("select", [key.data for key, _ in selector.select(5)], other.recv(1))
called.clear()
with one, other:
    pass
say("close", one.fileno(), called.taken())

a, b = socket.socketpair()
proxy = Proxy(a)
with proxy.makefile("rb") as made, b:
    b.send(b"line\n")
    say("proxy", made.readline(), called.taken())
proxy.close()
say("proxy", called.taken())

# Under libraries


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        while (line := self.rfile.readline().strip()) and not line.startswith(b"QUIT"):
            say("server", line)
            if line.startswith(b"GET"):
                while self.rfile.readline().strip():
                    pass
                self.wfile.write(b"HTTP/1.0 200 Fine\r\nContent-Length: 4\r\n\r\nBody")
                break
            self.wfile.write(b"250 fine\r\n")


class Server(socketserver.TCPServer):
    def get_request(self):
        sock, address = super().get_request()
        return Ciphered.wrap(sock), address

    def finish_request(self, request, client_address):
        if self.greets:
            request.sendall(b"220 hello\r\n")
        super().finish_request(request, client_address)


def serve(greets):
    server = Server(("127.0.0.1", 0), Handler)
    server.greets = greets
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    return server, thread


class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = Ciphered.wrap(socket.create_connection((self.host, self.port)))


server, thread = serve(greets=False)
connection = Connection(*server.server_address)
connection.request("GET", "/")
response = connection.getresponse()
say("http", response.status, response.reason, response.read())
connection.close()
thread.join()
server.server_close()
say("http", sorted(set(called.taken())))


class Mail(smtplib.SMTP):
    def _get_socket(self, host, port, timeout):
        return Ciphered.wrap(super()._get_socket(host, port, timeout))


server, thread = serve(greets=True)
mail = Mail(*server.server_address)
say("smtp", mail.noop())
mail.close()
thread.join()
server.server_close()
say("smtp", sorted(set(called.taken())))
