"""Sending and receiving bytes: plain calls, messages, files, splice, zero-copy, descriptors."""
