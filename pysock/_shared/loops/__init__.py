"""Loops over the standard library's calls.

They are the fallback's own methods. The compiled backend calls them for a socket that it does not
know completely: another family, or a class with a `recv` or `send` of its own (TLS, for one).
"""
