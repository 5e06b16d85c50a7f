"""EpollSelector."""
