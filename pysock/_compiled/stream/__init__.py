"""Stream: a buffered file object that loses nothing."""
