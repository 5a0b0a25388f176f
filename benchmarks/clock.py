"""Times of a call and what they amount to, for the benchmarks of pages."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any


def timed(act: Callable[[], Any]) -> float:
    """Seconds that it takes."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """Median, lowest and highest, in milliseconds."""
    named = {"median": statistics.median(seconds), "low": min(seconds), "high": max(seconds)}
    return {name: round(1e3 * value, 1) for name, value in named.items()}
