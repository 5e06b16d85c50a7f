"""What every room uses: the socket object, retries, the GIL policy, buffers, addresses, errors."""
