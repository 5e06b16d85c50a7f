"""Many datagrams by one system call, and what control messages say about them."""
