"""What `python -m` says and does beside running a program: --info and --bench."""
