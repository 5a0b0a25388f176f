"""Figures of the app's benchmark: what was measured, beside its goal."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any


def milliseconds(act: Callable[[], Any]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    act()
    return 1e3 * (time.perf_counter() - start)


def figure(
    what: str, values: Sequence[float], unit: str = "ms", goal: float | None = None
) -> dict[str, Any]:
    """Median, lowest and highest of what was measured.

    Args:
        what: A sentence's worth of words.
        values: What was measured, at least once.
        unit: Of the values.
        goal: What the median may be at most; without one, it is told only.
    """
    median = statistics.median(values)
    row: dict[str, Any] = {"figure": what, "unit": unit, "median": round(median, 2)}
    if len(values) > 1:
        row |= {"low": round(min(values), 2), "high": round(max(values), 2)}
    return row if goal is None else row | {"goal": goal, "met": median <= goal}


def told(row: dict[str, Any]) -> str:
    """A figure as a line to read."""
    goal = f"  goal {row['goal']:g}: {'met' if row['met'] else 'MISSED'}" if "goal" in row else ""
    return f"{row['figure']:<70} {row['median']:>12,.2f} {row['unit']}{goal}"
