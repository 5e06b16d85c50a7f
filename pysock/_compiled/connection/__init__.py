"""The life of a socket, its options, and the names that are looked up for it."""
