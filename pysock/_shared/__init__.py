"""The code that both backends use. It imports neither of them."""

# The name under which this package was imported. A vendored copy has another one.
PACKAGE = __name__.rpartition(".")[0]

# Bytes. After a partial write OpenSSL requires a retry with the same bytes, or with more bytes
# after them. So no call gets more than one record; a call that fails has sent none of its bytes.
MAX_TLS_RECORD = 16384
