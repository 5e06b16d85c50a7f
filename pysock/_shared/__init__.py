"""The code that both backends use. It imports neither of them."""

# The name under which this package was imported. A vendored copy has another one.
PACKAGE = __name__.rpartition(".")[0]
