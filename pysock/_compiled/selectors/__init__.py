"""EpollSelector: the methods that are called often, in C."""
