"""Follows a group until its last run is over: a line on stderr whenever something changes."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from finegates.commands.options import percent
from finegates.data.metric_kinds import scaled_text
from finegates.groups.file import Group
from finegates.groups.progress import CellProgress, GroupProgress, progress_of
from finegates.jobs.control import tend

POLL_S = 1.0
WAKE_EVERY_S = 10.0


INTERRUPTED = 130
"""128 + SIGINT, as shells report it."""


def print_line(line: str) -> None:
    """Prints progress."""
    print(line, file=sys.stderr, flush=True)


def looks(runs_dir: Path) -> Iterator[None]:
    """One after the other for ever, with a pause between; the queue is looked after meanwhile."""
    woken = time.monotonic()
    while True:
        yield
        if time.monotonic() - woken > WAKE_EVERY_S:  # what starts its runs may have been killed
            tend(runs_dir)
            woken = time.monotonic()
        time.sleep(POLL_S)


def follow(group: Group, runs_dir: Path, say: Callable[[str], None] = print_line) -> GroupProgress:
    """Waits until no run of a group waits or lives, and returns where each stands then."""
    shown = None
    for _ in looks(runs_dir):
        progress = progress_of(group, runs_dir)
        if (change := _what_counts(progress)) != shown:
            say(line_of(progress))
            shown = change
        if progress.is_over:
            return progress
    raise AssertionError("the looks never end")


def line_of(progress: GroupProgress) -> str:
    """Where a group stands, in one line."""
    parts = [f"{progress.num_finished}/{len(progress.cells)} finished"]
    parts += [_words_of(cell) for cell in progress.live]
    if progress.failed:
        names = "; ".join(f"{_name(cell)} {cell.state}" for cell in progress.failed)
        parts.append(f"{len(progress.failed)} not finished: {names}")
    if not progress.is_over and (left := progress.time_left_s) is not None:
        parts.append(f"about {_duration(left)} left")
    return f"{time.strftime('%H:%M:%S')}  " + " | ".join(parts)


def _words_of(cell: CellProgress) -> str:
    status = cell.status
    if status is None or status.score is None:
        return f"{_name(cell)}: {cell.state}"
    score = f"{status.metric} {scaled_text(status.score, status.metric)}"
    return f"{_name(cell)}: {score}, removed {percent(status.removed_weights_fraction)}"


def _name(progress: CellProgress) -> str:
    cell = progress.cell
    return f"{cell.method} {cell.target:g} seed {cell.seed}"


def _what_counts(progress: GroupProgress) -> list[tuple]:
    """Each cell's state, and the last evaluation of those at work; steps alone are no news."""
    return [
        (cell.state, cell.status and (cell.status.score, cell.status.removed_weights_fraction))
        for cell in progress.cells
    ]


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
