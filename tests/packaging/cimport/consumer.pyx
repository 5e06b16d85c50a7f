# cython: language_level=3, freethreading_compatible=True
"""What a user of Cython may write on an installed pysock; use_consumer.py runs it."""

from pysock.capi cimport receive, receive_all, send, send_all, socket


def fields(socket sock not None):
    return sock.sock_fd, sock.sock_family, sock.sock_type, sock.sock_proto, sock.sock_timeout


def say(socket sock, bytes text, int flags=0):
    return send(sock, <const char *>text, <size_t>len(text), flags)


def hear(socket sock, int flags=0):
    cdef char[16] memory
    cdef ssize_t n = receive(sock, memory, sizeof(memory), flags)
    return memory[:n]


def say_all(socket sock, bytes text, left=None):
    cdef size_t not_sent
    if left is None:
        return send_all(sock, <const char *>text, <size_t>len(text), NULL)
    try:
        return send_all(sock, <const char *>text, <size_t>len(text), &not_sent)
    finally:
        left.append(not_sent)


def hear_all(socket sock, size_t count, left):
    cdef char[64] memory
    cdef size_t not_come
    assert count <= sizeof(memory)
    try:
        done = receive_all(sock, memory, count, &not_come)
        return done, memory[:count - not_come]
    finally:
        left.append(not_come)
