"""The backend "stdlib": the same names over the standard library alone."""
