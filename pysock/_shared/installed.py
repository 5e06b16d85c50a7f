"""What `install()` has put into other modules, and whether other code has replaced it since."""

import socket as _stdlib
import sys

from . import PACKAGE, original

replaced: list = []  # of (module, name, replacement, previous); empty without install()


def is_replaced(name):
    """Whether `socket.<name>` is neither the standard library's, nor pysock's, nor a copy's.

    A method of a socket that `install()` has put there then uses what `socket` has. Without
    `install()` a program that imports pysock gets pysock's own, whatever `socket` has.
    """
    if not replaced:
        return False
    value = vars(_stdlib)[name]
    if value is getattr(original, name) or value is vars(sys.modules[PACKAGE])[name]:
        return False
    return not original.is_of_a_copy(getattr(value, "__module__", None))
