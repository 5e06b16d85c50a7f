"""help() of the classes and functions: the same names and headings, whatever the docstrings."""

import pydoc
import re
import selectors
import socket
import types

from shown import plain, python_functions, say, standard_attributes

for cls in (socket.socket, socket.SocketIO, selectors.EpollSelector):
    text = pydoc.plain(pydoc.render_doc(cls))
    headings = {}
    for line in text.splitlines():
        found = re.match(r" \|  (\w+)(\(.*)?$", line)
        if found:
            headings.setdefault(found[1], []).append(plain(found[0]))
    say(cls.__name__, text.startswith("Python Library Documentation: class"))
    for name, original in standard_attributes(cls):
        if not isinstance(original, types.MethodDescriptorType):  # `public_kinds` has those
            say(f"{cls.__name__}.{name}", *headings.get(name, ["not there"]))
for name, function in python_functions():
    text = pydoc.plain(pydoc.render_doc(function)).splitlines()
    say(name, text[0].partition(" in ")[0], plain(text[2]))
