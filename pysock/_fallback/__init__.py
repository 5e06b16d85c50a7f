"""The backend "stdlib": the same names, on the standard library alone."""
