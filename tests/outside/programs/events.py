"""The calls of a program that profilers and tracers are told of.

Compared is what the program itself calls. What these functions call in their turn is theirs.
"""

import selectors
import socket
import sys
import tempfile
import threading

from shown import say

selector = selectors.EpollSelector()
file = tempfile.TemporaryFile()
file.write(b"x" * 100)
file.flush()


def watched(events):
    """What is traced: *events* has a marker of each step."""
    events.append("making")
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    client = socket.socket()
    events.append("connecting")
    client.connect(listener.getsockname())
    server, _ = listener.accept()
    events.append("attributes")
    _ = client.family, client.type, client.proto, client.timeout
    events.append("transfers")
    client.send(b"1")
    server.recv(1)
    client.sendall(b"1")
    server.recv_into(bytearray(1))
    client.sendmsg([b"1"])
    server.recvmsg(1)
    client.send(b"1")
    server.recvfrom(1)
    client.sendfile(file)
    server.recv(100)
    events.append("what fails")
    server.setblocking(False)
    for call in (server.recv, server.recvfrom):
        try:
            call(1)
        except BlockingIOError:
            pass
    listener.settimeout(0)
    try:
        listener.accept()
    except BlockingIOError:
        pass
    events.append("files")
    raw = client.makefile("rwb", buffering=0)
    raw.write(b"1")
    raw.readable()
    raw.close()
    events.append("names")
    socket.getaddrinfo("127.0.0.1", 1)
    socket.gethostbyname("127.0.0.1")
    socket.inet_aton("1.2.3.4")
    socket.htons(1)
    for each in socket.socketpair():
        each.close()
    events.append("selecting")
    selector.register(server, selectors.EVENT_READ)
    selector.modify(server, selectors.EVENT_READ | selectors.EVENT_WRITE)
    selector.select(0)
    selector.unregister(server)
    events.append("closing")
    server.shutdown(socket.SHUT_WR)
    server.close()
    client.detach()
    with listener:
        pass


CODE = watched.__code__


class Profile:
    def __init__(self):
        self.events = []

    def __call__(self, frame, event, arg):
        if event.startswith("c_"):
            if frame.f_code is CODE:
                self.events.append(f"{event} {arg.__qualname__}")
        elif frame.f_back is not None and frame.f_back.f_code is CODE:
            self.events.append(f"{event} {frame.f_code.co_name}")


class Trace(Profile):
    def __call__(self, frame, event, arg):
        if frame.f_back is not None and frame.f_back.f_code is CODE:
            if event == "exception":
                arg = arg[0].__name__
            if event not in ("line", "opcode"):
                self.events.append(
                    f"{event} {frame.f_code.co_name}" + f" {arg}" * (event == "exception")
                )
        return self


def without_append(events):
    return [event for event in events if "list.append" not in event]


def show(title, events):
    print(f"== {title}")
    for event in without_append(events):
        say(event)


profile = Profile()
sys.setprofile(profile)
watched(profile.events)
sys.setprofile(None)
show("sys.setprofile", profile.events)

trace = Trace()
sys.settrace(trace)
watched(trace.events)
sys.settrace(None)
show("sys.settrace", trace.events)

in_thread = Profile()
threading.setprofile(in_thread)
thread = threading.Thread(target=watched, args=(in_thread.events,))
thread.start()
thread.join()
threading.setprofile(None)
show("threading.setprofile", in_thread.events)

in_thread = Trace()
threading.settrace(in_thread)
thread = threading.Thread(target=watched, args=(in_thread.events,))
thread.start()
thread.join()
threading.settrace(None)
show("threading.settrace", in_thread.events)
