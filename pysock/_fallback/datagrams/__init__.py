"""DatagramBatch, and the parser of control messages."""
