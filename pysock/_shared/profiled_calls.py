"""The calls that a profile counts, and what is known of each: words, as both backends need them.

result, argument   what it moves: the bytes that it returns or their number, or its first argument
number, buffer     its first argument is how much is asked for, or where to put it
peer               its last argument is an address
reads, writes      it waits until the socket can be read, or written
tries              it tries before it waits, so that it may need no poll() under a timeout
compound           it may make other calls, which are not counted by themselves
connects, selects, accepts  it waits in a way of its own
"""

METHODS = {
    "recv": "result number reads tries",
    "recv_into": "result buffer reads tries",
    "recvfrom": "result number reads tries",
    "recvfrom_into": "result buffer reads tries",
    "recvmsg": "result number reads tries",
    "recvmsg_into": "result reads tries",
    "recvmmsg": "result reads tries compound",
    "recv_exactly": "result number reads tries compound",
    "recv_exactly_into": "result buffer reads tries compound",
    "recv_fds": "result reads tries compound",
    "send": "result writes tries",
    "sendall": "argument writes tries compound",
    "sendto": "result peer writes tries",
    "sendmsg": "result writes tries",
    "sendmsg_all": "argument writes tries compound",
    "sendmmsg": "argument writes tries compound",
    "send_segmented": "result writes tries compound",
    "send_zerocopy": "result writes tries compound",
    "send_fds": "result writes tries compound",
    "connect": "connects",
    "connect_ex": "connects",
}

# Those of them that are functions, or Python methods in front of a function in C.
FUNCTIONS = {
    "socket": "",
    "accept": "reads accepts compound",
    "close": "",
    "sendfile": "result writes",
    "socketpair": "compound",
    "getaddrinfo": "",
    "select": "selects",
}
