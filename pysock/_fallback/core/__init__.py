"""The GIL policy's functions, which change nothing here."""
