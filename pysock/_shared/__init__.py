"""What both backends use. It imports neither of them."""

# The name that the package is imported by. It may be vendored, under any other name.
PACKAGE = __name__.rpartition(".")[0]
