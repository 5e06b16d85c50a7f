"""The event loop on the standard library."""
