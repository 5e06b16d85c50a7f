"""Stream: a buffered file object that loses no bytes when a call is interrupted."""
