"""The same over TLS."""

import sys
import tempfile
from pathlib import Path

import trustme
from uvicorn_server import main


def over_tls():
    authority = trustme.CA()
    with tempfile.TemporaryDirectory() as folder:
        known, own = Path(folder) / "authority.pem", Path(folder) / "server.pem"
        authority.cert_pem.write_to_path(known)
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(own)
        return main(authority=known, ssl_certfile=own)


if __name__ == "__main__":
    sys.exit(over_tls())
