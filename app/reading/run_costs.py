"""What a run's cuts cost, besides their score: closed gates, multiply-accumulates, time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from finegates.errors import RunError
from finegates.gates.cuts import AS_TRAINED
from finegates.results.points import ROUNDED, THRESHOLDS, TRAINED
from finegates.results.tables import REMOVAL_TOLERANCE
from finegates.runs.folder import Run
from finegates.runs.measurements import (
    read_generations,
    read_partial,
    read_points,
    read_thresholds,
    read_timings,
)

Cuts = dict[tuple[str, float], list[Mapping[str, Any]]]

TARGET_DIGITS = 6


@dataclass(frozen=True)
class CutCost:
    """One cut; what was not measured is None.

    Attributes:
        closed: Fraction of the gates that is closed.
        macs: Fraction of the multiply-accumulates that is saved.
        time: Fraction of a dense pass's time that is saved; below 0 where it takes longer.
        where: What it was timed on: hardware, rows x tokens, precision. Empty if it was not.
    """

    closed: float | None = None
    macs: float | None = None
    time: float | None = None
    where: str = ""


@dataclass(frozen=True)
class RunCosts:
    """What is known of the cuts of one run.

    Attributes:
        points: At budgets and thresholds, from `finegates.runs.measurements`.
        timings: From `finegates.runs.measurements`, the newest last.
        partial: Points on a part of the rows, of a curve that grows: no scores, only for its chart.
        generations: Of a language model: times of reading and writing, the newest last.
    """

    points: tuple[Mapping[str, Any], ...] = ()
    timings: tuple[Mapping[str, Any], ...] = ()
    partial: tuple[Mapping[str, Any], ...] = ()
    generations: tuple[Mapping[str, Any], ...] = ()

    def at(self, kind: str, target: float, removed: float | None) -> CutCost:
        """The cost of one cut.

        Args:
            kind: Of the `finegates.results.points.Point` it belongs to. Of ``trained`` it is the
                cut that training left: threshold 0, or a budget that removes as much.
            target: The budget or threshold; not used of ``trained``.
            removed: Fraction of the weights that it removes; used of ``trained`` only.
        """
        if kind == TRAINED:
            points = [p for p in self.points if _is_as_trained(p, removed)]
            timings = [t for t in self.timings if _is_as_trained(t, removed)]
        else:
            asked = (kind, round(target, TARGET_DIGITS))
            points, timings = (cuts.get(asked, []) for cuts in self._by_cut)
        newest = timings[-1] if timings else None
        ratio = _first(points, "mac_ratio")
        return CutCost(
            closed=_first(points, "closed_gates_fraction"),
            macs=1 - 1 / ratio if ratio else None,
            time=1 - 1 / newest["speedup"] if newest and newest["speedup"] else None,
            where=_where(newest) if newest else "",
        )

    @cached_property
    def _by_cut(self) -> tuple[Cuts, Cuts]:
        """Points and timings by kind and budget or threshold: a chart asks for thousands."""
        return _grouped(self.points), _grouped(self.timings)


def read_measured(run: Run) -> RunCosts:
    """What is known of a run's cuts.

    Raises:
        RunError: If one of its files is damaged.
    """
    points, partial = (*read_points(run), *read_thresholds(run)), read_partial(run)
    timings, generations = tuple(read_timings(run)), tuple(read_generations(run))
    return RunCosts(points, timings, tuple(partial), generations)


def read_costs(run: Run) -> RunCosts:
    """As `read_measured`; of a damaged file, which the Prune page reports, nothing."""
    try:
        return read_measured(run)
    except RunError:
        return RunCosts()


def _grouped(entries: Iterable[Mapping[str, Any]]) -> Cuts:
    cuts: Cuts = {}
    for entry in entries:
        for kind, name in ((ROUNDED, "remove"), (THRESHOLDS, "threshold")):
            if entry.get(name) is not None:
                cuts.setdefault((kind, round(entry[name], TARGET_DIGITS)), []).append(entry)
    return cuts


def _is_as_trained(cut: Mapping[str, Any], removed: float | None) -> bool:
    if cut.get("threshold") is not None:
        return cut["threshold"] == AS_TRAINED.threshold
    return removed is not None and (
        abs(cut["removed_weights_fraction"] - removed) <= REMOVAL_TOLERANCE
    )


def _first(points: Iterable[Mapping[str, Any]], name: str) -> float | None:
    return next((p[name] for p in points if p.get(name) is not None), None)


def _where(timing: Mapping[str, Any]) -> str:
    names = ("hardware", "device", "batch_size", "seq_len", "dtype")
    hardware, device, rows, length, dtype = (timing.get(name, "?") for name in names)
    return f"{hardware} ({device}), {rows} x {length} tokens, {dtype}"
