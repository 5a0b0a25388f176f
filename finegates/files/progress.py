"""How far a piece of work is, told through a file that another process reads."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from finegates.errors import RunError
from finegates.files.storage import read_json, write_json

Progress = Callable[[float, str], None]
"""Is told how much is done, in [0, 1], and what is being done."""

_PAUSE_S = 0.2
"""Between two writes; a page looks once a second."""


@dataclass(frozen=True)
class Told:
    """What a file says.

    Attributes:
        fraction: How much is done, in [0, 1].
        what: What is being done.
        seconds_left: About how long it still takes; None until that can be said.
    """

    fraction: float
    what: str
    seconds_left: float | None


def silent(fraction: float, what: str) -> None:
    """Tells nobody."""


def part(progress: Progress, start: float, end: float) -> Progress:
    """For a part of some work, whose own 0 to 1 is from ``start`` to ``end`` of the whole."""
    return lambda fraction, what: progress(start + fraction * (end - start), what)


class ProgressFile:
    """A `Progress` that keeps what it was told last in a file; one that can't be written is let be.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._first: tuple[float, float] | None = None
        self._written = 0.0

    def __call__(self, fraction: float, what: str) -> None:
        """Writes it down, unless that was done a moment ago."""
        now = time.time()
        self._first = self._first or (now, fraction)
        if abs(now - self._written) < _PAUSE_S and fraction < 1:
            return
        since, at_first = self._first
        rate = (fraction - at_first) / max(now - since, 1e-9)
        left = (1 - fraction) / rate if rate > 0 else None
        content = {"fraction": fraction, "what": what, "seconds_left": left, "time": now}
        with contextlib.suppress(OSError):
            write_json(self._path, content)
            self._written = now


def read_progress(path: Path) -> Told | None:
    """What a file says now; None if there is none, or it is damaged."""
    try:
        known = read_json(path)
        fraction, left = min(max(float(known["fraction"]), 0.0), 1.0), known["seconds_left"]
        if left is not None:
            left = max(0.0, float(left) - max(0.0, time.time() - float(known["time"])))
        return Told(fraction, str(known["what"]), left)
    except (RunError, KeyError, TypeError, ValueError):
        return None
