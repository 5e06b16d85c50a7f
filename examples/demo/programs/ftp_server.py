"""Serve a folder to anonymous FTP clients, with pyftpdlib: python ftp_server.py FOLDER"""

import sys
import warnings

with warnings.catch_warnings():
    # pyftpdlib stands on asyncore, of which Python 3.11 warns that it is on its way out.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler
    from pyftpdlib.servers import FTPServer

FTPHandler.authorizer = DummyAuthorizer()
FTPHandler.authorizer.add_anonymous(sys.argv[1])

server = FTPServer(("127.0.0.1", 0), FTPHandler)
print("listening on", server.address[1], "with", type(server.socket), flush=True)
server.serve_forever()
