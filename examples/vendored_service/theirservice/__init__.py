"""A service that has a pysock of its own in `_vendor`."""
