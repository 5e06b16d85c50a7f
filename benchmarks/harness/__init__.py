"""The machinery of the benchmark suite: rows, variants, rounds, and the table.

Each module knows only those above it in this list:

* ``row``: what a row is, and how a benchmark declares it
* ``cloops``: the loops in plain C, compiled on first use
* ``variants``: one row's loop, set up for one variant
* ``child``, ``programs``: the same in another process
* ``rounds``: interleaved blocks, and the figures they give
* ``table``: the figures for people
"""
