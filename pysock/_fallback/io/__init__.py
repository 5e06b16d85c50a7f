"""splice, and zero-copy sends that copy."""
