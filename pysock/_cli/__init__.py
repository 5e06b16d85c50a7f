"""The options of `python -m` that run no program: --info and --bench."""
