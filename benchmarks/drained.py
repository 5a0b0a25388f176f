"""What the folders of a drained queue say, and the samples taken meanwhile; a part of `queue`."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import psutil

from benchmarks.clock import figure
from finegates.runs.folder import Run, current_rows
from finegates.runs.status import Status

MB = 2**20
FLAT = 1.1
"""Memory is called flat if at the end it is at most a tenth above the start."""

SHARE_S = 10.0
WAITING = (1.0, 0.5, 0.05)
"""Shares of the queue at which the dispatcher's CPU time is told: 200, 100 and 10 of 200 wait."""


@dataclass(frozen=True)
class Sample:
    """One moment of the draining; resident memory in bytes, CPU time in seconds so far.

    Attributes:
        time: Seconds, of a clock that does not fall back.
        waiting: Runs that are still queued.
    """

    time: float
    waiting: int
    dispatcher_bytes: int
    dispatcher_s: float
    server_bytes: int
    server_s: float


def take_sample(dispatcher: psutil.Process, server: psutil.Process, waiting: int) -> Sample | None:
    """One moment, or None if the dispatcher is about to leave."""
    try:
        sample = Sample(
            time.monotonic(),
            waiting,
            *(number for p in (dispatcher, server) for number in _memory_and_cpu(p)),
        )
    except psutil.NoSuchProcess:
        return None
    return sample if sample.dispatcher_bytes else None


def _memory_and_cpu(process: psutil.Process) -> tuple[int, float]:
    times = process.cpu_times()
    return process.memory_info().rss, times.user + times.system


def order_figures(statuses: Sequence[Status], at_once: int) -> list[dict[str, Any]]:
    """Whether runs began in the order in which they were queued, and how soon places were filled.

    The order is that in which the workers' processes were made. Two that were made together may
    take longer or shorter to load, so what they write themselves is told without a goal.

    Args:
        statuses: Of all runs in the order in which they were queued, every one over.
        at_once: How many train at once.
    """
    made = [status.process_created for status in statuses]
    began = [status.started or 0.0 for status in statuses]
    ended = [status.ended or 0.0 for status in statuses]
    waits = [1e3 * seconds for seconds in handovers(made, ended, at_once)]
    word = "by their own word, before one queued earlier"
    return [
        figure("order: workers made before that of a run queued earlier", [overtaken(made)],
               "runs", goal=0),
        figure(f"order: begun, {word}", [overtaken(began)], "runs"),
        figure(f"order: longest that one has begun, {word}", [1e3 * longest_lead(began)]),
        figure("order: from the end of a run to the next worker", waits or [0.0]),
    ]  # fmt: skip


def overtaken(times: Sequence[float]) -> int:
    """How many are earlier than one that stands before them; those of one moment are in order."""
    return sum(time < latest for time, latest in zip(times, accumulate(times, max), strict=True))


def longest_lead(times: Sequence[float]) -> float:
    """How much earlier one is, at most, than one that stands before it."""
    latest = accumulate(times, max)
    return max(before - time for time, before in zip(times, latest, strict=True))


def handovers(made: Sequence[float], ended: Sequence[float], at_once: int) -> list[float]:
    """Seconds from each end of a run, in order of time, to the worker that took its place."""
    return [start - end for start, end in zip(sorted(made)[at_once:], sorted(ended), strict=False)]


def once_figures(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Runs that did not finish, did not begin just once, or did not train each step just once."""
    wrong = {
        "that did not finish": [run for run in runs if run.status().state != "finished"],
        "that did not begin just once": [run for run in runs if num_starts(run) != 1],
        "that did not train each step just once": [run for run in runs if not trained_once(run)],
    }
    return [figure(f"runs {what}", [len(found)], "runs", goal=0) for what, found in wrong.items()]


def num_starts(run: Run) -> int:
    """How many workers began, by the first line that each prints into the log."""
    lines = run.log_path.read_text().splitlines() if run.log_path.exists() else []
    return sum(line.startswith(f"{run.id} on ") for line in lines)


def trained_once(run: Run) -> bool:
    """Whether the metrics go to the last step and hold nothing twice, and no resumption."""
    rows = run.metrics_reader().read_new()
    steps = [(row["kind"], row["step"]) for row in current_rows(rows)]
    to_the_end = ("train", run.status().total_steps) in steps
    return to_the_end and len(rows) == len(steps) == len({*steps})


def dispatcher_figures(samples: Sequence[Sample]) -> list[dict[str, Any]]:
    """Its memory, and its share of a core while so many runs wait."""
    memory = memory_figures("dispatcher", [sample.dispatcher_bytes for sample in samples])
    levels = sorted({round(samples[0].waiting * share) for share in WAITING}, reverse=True)
    shares = [
        figure(f"dispatcher: share of a core, {level:,} waiting", [100 * cpu_share(samples, level)],
               "%") for level in levels
    ]  # fmt: skip
    return memory + shares


def server_figures(samples: Sequence[Sample]) -> list[dict[str, Any]]:
    """Its memory, and its share of a core over all the draining."""
    memory = memory_figures("server", [sample.server_bytes for sample in samples])
    seconds = samples[-1].time - samples[0].time
    share = 100 * (samples[-1].server_s - samples[0].server_s) / seconds if seconds else 0.0
    return [*memory, figure("server: share of a core, a page open", [share], "%")]


def memory_figures(what: str, values: Sequence[int]) -> list[dict[str, Any]]:
    """Memory at the start, in the middle and at the end, and whether it stays flat."""
    places = {"start": 0, "middle": len(values) // 2, "end": -1}
    told = [figure(f"{what}: memory, {k}", [values[v] / MB], "MB") for k, v in places.items()]
    highest = figure(f"{what}: memory, highest", [max(values) / MB], "MB")
    growth = figure(f"{what}: memory, end / start", [values[-1] / values[0]], "times", goal=FLAT)
    return [*told, highest, growth]


def cpu_share(samples: Sequence[Sample], waiting: int) -> float:
    """Of a core, that the dispatcher takes in the seconds after so many runs are left waiting."""
    first = next(sample for sample in samples if sample.waiting <= waiting)
    after = [sample for sample in samples if sample.time > first.time] or [first]
    last = next((s for s in after if s.time >= first.time + SHARE_S), after[-1])
    seconds = last.time - first.time
    return (last.dispatcher_s - first.dispatcher_s) / seconds if seconds else 0.0
