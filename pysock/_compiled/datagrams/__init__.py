"""Many datagrams by one system call, and the control messages that come with datagrams."""
