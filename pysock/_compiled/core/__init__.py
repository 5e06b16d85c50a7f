"""The object, retries, the GIL policy, buffers, addresses, errors: what every room uses."""
