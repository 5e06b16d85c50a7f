"""splice, and zero-copy sends, which copy here."""
