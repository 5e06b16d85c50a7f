"""Bytes in and out: recv, send, recvmsg, sendmsg, sendfile, splice, zero-copy, descriptors."""
