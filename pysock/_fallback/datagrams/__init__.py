"""DatagramBatch, and what control messages say."""
