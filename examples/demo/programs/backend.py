"""Tell which backend pysock chose for this program: python -m pysock backend.py"""

import sys

print(sys.modules["pysock"].BACKEND)
