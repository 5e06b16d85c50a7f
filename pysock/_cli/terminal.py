"""What is for the eyes: colours and a progress bar, on terminals and nowhere else."""

import os

_STYLES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33}


def is_terminal(stream):
    """Whether *stream* can do more than print; no stream at all (None) cannot."""
    return bool(stream) and stream.isatty() and os.environ.get("TERM") != "dumb"


def painter(stream):
    """Return the function that gives a text a style, if *stream* shows it (https://no-color.org)."""
    if is_terminal(stream) and not os.environ.get("NO_COLOR"):
        return lambda style, text: f"\x1b[{_STYLES[style]}m{text}\x1b[0m"
    return lambda style, text: text


def columns(stream):
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80  # 0: it does not say
    except OSError:
        return 80


class Progress:
    """A bar for *total* steps, on the last line of *stream*; what is printed must wipe it first."""

    def __init__(self, total, stream):
        self.total = total
        self.stream = stream if is_terminal(stream) else None

    def show(self, done, title):
        if self.stream:
            bar = min(30, self._room() // 3)
            filled = "#" * (bar * done // self.total)
            self._draw(f"[{filled:{bar}}] {done:>{len(str(self.total))}}/{self.total} {title}")

    def wipe(self):
        if self.stream:
            self._draw("", end="\r")

    def _room(self):
        return min(columns(self.stream), 80) - 1  # in the last column, some terminals wrap

    def _draw(self, line, end=""):
        room = self._room()
        print(f"\r{line:{room}.{room}}", end=end, file=self.stream, flush=True)
