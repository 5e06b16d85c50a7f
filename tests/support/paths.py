"""Where the project is, for whatever a test reads, copies or puts on a child's path."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
