"""The life cycle of a socket, its options, and the functions that look up addresses."""
