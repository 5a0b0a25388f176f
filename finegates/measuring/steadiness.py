"""Whether times can be trusted: how far neighbouring passes differ, and what else was running."""

import os
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import psutil

from finegates.measuring.timing import quartiles

SPREAD_LIMIT = 0.1
"""Of the speed-up: from here on two measurements may differ in its first digit."""
LEAST_LIMIT = 0.25
"""Cores that a quiet system takes for itself at most."""


class Watch:
    """Watches the processor while something is timed: ``with Watch() as watch: ...``.

    Attributes:
        others_cores: Processor time that other programs took meanwhile, in cores.
        load_before: Processes that ran or waited, the system's mean over the minute before; None
            where a system does not say.
        load_after: The same at the end.
    """

    others_cores = 0.0
    load_before: float | None = None
    load_after: float | None = None

    def __enter__(self) -> "Watch":
        self.load_before = _load()
        self._started = time.perf_counter(), _busy_s(), _own_s()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        clock, busy, own = self._started
        seconds = max(time.perf_counter() - clock, 1e-9)
        others = (_busy_s() - busy) - (_own_s() - own)
        self.others_cores = max(0.0, others / seconds)
        self.load_after = _load()


def steadiness(watch: Watch, ratios: Sequence[float], num_threads: int) -> dict[str, Any]:
    """What a record says of how steady its times are.

    Args:
        watch: Of the timing.
        ratios: Speed-ups of neighbouring passes.
        num_threads: With which it computed.

    Returns:
        ``spread``: interquartile range of the speed-ups over their median; ``others_cores`` and the
        loads of `Watch`; the limits of both; ``busy``: whether one is exceeded; ``busy_why``: a
        sentence, empty if none is.
    """
    low, median, high = quartiles(ratios)
    spread, cores = (high - low) / median, psutil.cpu_count() or 1
    limit = max(LEAST_LIMIT, float(cores - num_threads))
    reasons = []
    if spread > SPREAD_LIMIT:
        reasons.append(
            f"the speed-up differed by {100 * spread:.0f}% between passes (limit "
            f"{100 * SPREAD_LIMIT:.0f}%)"
        )
    if watch.others_cores > limit:
        reasons.append(
            f"other programs took {watch.others_cores:.1f} of {cores} cores (limit {limit:g})"
        )
    why = f"These times are not steady: {' and '.join(reasons)}. Time it again while nothing else "
    return {
        "spread": spread,
        "spread_limit": SPREAD_LIMIT,
        "others_cores": watch.others_cores,
        "others_limit": limit,
        "load_before": watch.load_before,
        "load_after": watch.load_after,
        "busy": bool(reasons),
        "busy_why": f"{why}runs." if reasons else "",
    }


def _load() -> float | None:
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def _busy_s() -> float:
    """Seconds that all cores together were at work since the system started."""
    times = psutil.cpu_times()
    kinds = ("user", "nice", "system", "irq", "softirq", "steal")
    return sum(getattr(times, kind, 0.0) for kind in kinds)


def _own_s() -> float:
    own = psutil.Process().cpu_times()
    return own.user + own.system
