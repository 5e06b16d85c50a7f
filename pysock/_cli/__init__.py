"""The options of `python -m`: --info and --bench, which run no program, and --profile."""
