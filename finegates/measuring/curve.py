"""The curve of one finished training: all its points at once with intervals, then ever surer.

Every point is first scored on a part of the rows, the same for all, so that differences between
points are surer than the points. Then the least certain is scored on as many rows again, and so on
until all have all rows. What is known is kept after each step, so it may be stopped at any time,
and whoever goes on scores only what is missing.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from finegates.data.metric_kinds import bounds, score_after
from finegates.files.progress import Progress, silent
from finegates.gates.cuts import Cut
from finegates.measuring.cutter import Cutter, Point, costs_of
from finegates.measuring.paired import MIN_ROWS, ONE_POINT
from finegates.measuring.parts import interval, stratified_order
from finegates.runs.curve_answers import CurveAnswers
from finegates.runs.folder import Run
from finegates.runs.measurements import keep_points, read_partial, read_points, read_thresholds
from finegates.shrinking.cost import num_parameters
from finegates.shrinking.models import Shrunk
from finegates.training.metrics import compute_metrics
from finegates.training.scoring import main_answers, scores_of

FIRST_PART = 1 / 12
"""Of the rows: what all points are scored on first. `benchmarks.curve` says how many passes of the
dense model over all rows 20 points then take, their making included."""
_GROWS = 3
"""Rows after a step, in units of those before it; all where that would be most of them."""
_MOST_KEPT = 400_000_000
"""Parameters of smaller models that are kept for their next step: 1.6 GB in float32."""


@dataclass
class _Growing:
    """One point of the curve.

    Attributes:
        cut: Where the gates are cut off.
        closed: Which that closes, boolean, shape ``(num_gates,)``.
        counts: What that removes.
        answers: Shape (rows,), in the judge's order; those of ``known`` rows are filled in.
        known: How many rows are, a beginning of the order that all points share.
        point: What is known of it.
        costs: Of the smaller model, once it was made.
        seconds: That making and scoring took so far.
    """

    cut: Cut
    closed: np.ndarray
    counts: Point
    answers: np.ndarray
    known: int = 0
    point: Point = field(default_factory=dict)
    costs: Point = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def width(self) -> float:
        """Of its interval; 0 once it is scored on all rows."""
        return self.point.get("score_high", 0.0) - self.point.get("score_low", 0.0)

    def may_be(self, score: float) -> bool:
        """Whether its score on all rows may as well be above as below this."""
        return self.width > 0 and self.point["score_low"] <= score <= self.point["score_high"]


def grow_curve(
    run: Run,
    device: str,
    on_point: Callable[[Point], None] = lambda point: None,
    progress: Progress = silent,
    rows: int | None = None,
) -> list[Point]:
    """Scores a finished run at the cuts of a whole curve, roughly first and then on all rows.

    Args:
        run: A finished run.
        device: As torch names it.
        on_point: Is given each point as soon as it is known, and again as it gets surer.
        progress: Is told how far it is.
        rows: Where to stop, in rows of each point; None for all of them.

    Returns:
        A point for each cut, fewest weights removed first. On all rows they are those of
        `finegates.measuring.evaluation.evaluate_cuts`; on fewer they have no ``metrics``, but
        ``rows`` of ``all_rows``, and ``score_low`` to ``score_high`` where the score on all is.

    Raises:
        RunError: If the run is not finished, or its weights are gone or damaged.
        DataError: If its data has changed, or can't be read.
    """
    progress(0.0, "loading the model")
    curve = _Curve(run, Cutter(run, device), device)
    limit = min(max(rows or curve.all_rows, MIN_ROWS), curve.all_rows)
    first = min(curve.first, limit)
    for before in curve.points:
        if before.point:
            on_point(before.point)
    while growing := next_growing(curve.points, first, limit, curve.metric):
        rest = sum(limit - min(p.known, limit) for p in curve.points if not is_scored(p))
        done = 1 - rest / (limit * len(curve.points))
        target = next_part(growing.known, first, limit)
        removed = growing.counts["removed_weights_fraction"]
        what = f"{removed:.0%} removed: {target:,} of {curve.all_rows:,} rows"
        share = (target - growing.known) / (limit * len(curve.points))
        curve.grow(growing, target, lambda part: progress(done + part * share, what))  # noqa: B023
        on_point(growing.point)
    return [growing.point for growing in curve.points]


def next_part(known: int, first: int, limit: int) -> int:
    """How many rows a point is scored on that is known on so many."""
    if known < first:
        return first
    return _GROWS * known if 3 * _GROWS * known < 2 * limit else limit


def next_growing(
    points: Sequence[_Growing], first: int, limit: int, metric: str = ""
) -> _Growing | None:
    """What is scored on more rows next; None if nothing is left.

    All get their first part: the one that removes least, which the others are compared with, then
    the smallest and quickest models. Then those come first of which it is open whether they lose
    more than a point against it; of these, and then of the others, the widest interval.
    """
    rest = [p for p in points if not is_scored(p) and p.known < limit]
    if begun := [p for p in rest if p.known < first]:
        return begun[0] if begun[0] is points[0] else begun[-1]
    edge = score_after(metric, points[0].point["score"], ONE_POINT) if rest else 0.0
    return max(rest, key=lambda p: (p.may_be(edge), p.width), default=None)


def is_scored(growing: _Growing) -> bool:
    """Whether it has its score on all rows."""
    return bool(growing.point) and "rows" not in growing.point


class _Curve:
    """The points of a run, what was answered for them, and the smaller models of the last steps."""

    def __init__(self, run: Run, cutter: Cutter, device: str) -> None:
        self._run, self._cutter, self._judge = run, cutter, cutter.judge
        self._order = stratified_order(self._judge.labels, self._judge.splits.problem)
        self._models: dict[int, Shrunk] = {}
        self._kept = CurveAnswers(run.path, self._judge.labels, f"{device} {self._judge.precision}")
        self.all_rows, self.metric = len(self._order), self._judge.metric
        self.first = min(max(round(FIRST_PART * self.all_rows), MIN_ROWS), self.all_rows)
        rows = [*read_partial(run), *read_points(run), *read_thresholds(run)]
        known = {row.get("closed_gates"): row for row in rows if "params" in row}
        self.points = [self._begun(cut, known) for cut in cutter.curve()]

    def grow(self, growing: _Growing, target: int, progress: Callable[[float], None]) -> None:
        """Scores a point on rows up to this many of the order."""
        started = time.perf_counter()
        progress(0.0)
        model, own = self._smaller(growing), self._cutter.own(growing.closed)
        growing.costs = costs_of(model)
        if not own:
            # the first part is answered in batches of its own, so it is answered again with more
            known = 0 if growing.known <= self.first else growing.known
            rows, packed = np.sort(self._order[known:target]), target <= self.first < self.all_rows
            answers = self._judge.answers(model, rows, progress, packed=packed)
            growing.answers[rows] = answers
        growing.known = self.all_rows if own else target
        growing.seconds += time.perf_counter() - started
        growing.point = self._point(growing, own)
        keep_points(self._run, [growing.point])
        number = growing.counts["closed_gates"]
        if is_scored(growing):
            self._kept.forget(number)
        else:
            self._kept.keep(number, growing.answers[self._order[: growing.known]])

    def _begun(self, cut: Cut, known: dict[Any, Point]) -> _Growing:
        """A point as far as it was known before."""
        closed = self._cutter.closed(cut)
        counts = self._cutter.counts(closed)
        answers = np.zeros(self.all_rows, self._judge.answers_dtype)
        growing = _Growing(cut, closed, counts, answers)
        point, kept = known.get(counts["closed_gates"], {}), self._kept.of(counts["closed_gates"])
        if point and "rows" not in point:
            growing.point = {**point, **asdict(cut)}
        elif point and len(kept) >= MIN_ROWS:
            growing.known, growing.seconds = len(kept), point["seconds"]
            growing.costs = {name: point[name] for name in ("params", "mac_ratio")}
            answers[self._order[: len(kept)]] = kept
            growing.point = self._point(growing, {})
        return growing

    def _smaller(self, growing: _Growing) -> Shrunk:
        """Its model: the one of its last step, if there was room for it."""
        number = growing.counts["closed_gates"]
        model = self._models.pop(number, None) or self._cutter.smaller(growing.closed)
        self._models[number] = model
        while sum(num_parameters(m) for m in self._models.values()) > _MOST_KEPT:
            del self._models[next(iter(self._models))]
        return model

    def _point(self, growing: _Growing, own: Point) -> Point:
        ends = {**growing.costs, "seconds": growing.seconds, **growing.counts}
        if own:
            scores = {"score": own["score"], "metrics": own["metrics"]}
        elif growing.known == self.all_rows:
            metrics = scores_of(growing.answers, self._judge.labels, self._judge.splits)
            scores = {"score": metrics[self._judge.metric], "metrics": metrics}
        else:
            scores = self._expected(growing)
        return {**asdict(growing.cut), **scores, **ends}

    def _expected(self, growing: _Growing) -> Point:
        """The score on a part of the rows, and where that leaves the score on all of them."""
        part, metric = self._order[: growing.known], self._judge.metric
        answers, labels = main_answers(growing.answers), self._judge.labels

        def score(rows: np.ndarray) -> float:
            return compute_metrics((metric,), answers[rows], labels[rows])[metric]

        low, high = interval(score, part, self.all_rows, bounds(metric))
        rows = {"rows": growing.known, "all_rows": self.all_rows}
        return {"score": score(part), "score_low": low, "score_high": high, **rows}
