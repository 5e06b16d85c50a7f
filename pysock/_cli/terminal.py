"""Colours and a progress bar, on terminals only."""

import os

_STYLES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33}


def is_terminal(stream):
    """Whether *stream* is a terminal with control sequences. *stream* may be None."""
    return bool(stream) and stream.isatty() and os.environ.get("TERM") != "dumb"


def painter(stream):
    """Return a function that styles text, if *stream* can show it (https://no-color.org)."""
    if is_terminal(stream) and not os.environ.get("NO_COLOR"):
        return lambda style, text: f"\x1b[{_STYLES[style]}m{text}\x1b[0m"
    return lambda style, text: text


def columns(stream):
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80  # 0: unknown
    except OSError:
        return 80


class Progress:
    """A bar for *total* steps on the last line of *stream*. Call `clear` before other output."""

    def __init__(self, total, stream):
        self.total = total
        self.stream = stream if is_terminal(stream) else None

    def show(self, done, title):
        if self.stream:
            bar = min(30, self._width() // 3)
            filled = "#" * (bar * done // self.total)
            self._draw(f"[{filled:{bar}}] {done:>{len(str(self.total))}}/{self.total} {title}")

    def clear(self):
        if self.stream:
            self._draw("", end="\r")

    def _width(self):
        return min(columns(self.stream), 80) - 1  # some terminals wrap at the last column

    def _draw(self, line, end=""):
        width = self._width()
        print(f"\r{line:{width}.{width}}", end=end, file=self.stream, flush=True)
