"""The parts of `examples/demo.py`; what it runs is in `programs/`, unchanged plain Python."""
