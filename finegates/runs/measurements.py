"""What was measured of a finished run's smaller models: ``curve.json`` and ``timings.json``.

The curve has a point for each cut: budgets under ``points``, thresholds under ``thresholds``. A
point keeps its place until the same cut is measured again. What was scored on a part of the rows
only stands apart, under ``partial``: it is for looking at a curve that grows, and no score. Times
of passes over rows are under ``timings``, those of a language model that reads prompts and writes
under ``generation``. Loads no torch.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from filelock import FileLock

from finegates.errors import RunError
from finegates.files.storage import read_json, write_json
from finegates.gates.cuts import AS_TRAINED, Cut, cut_of, gates_to_prune
from finegates.runs.folder import CURVE_FILE, FORMAT_VERSION, Run

TIMINGS_FILE = "timings.json"
MEASURED_LOCK = ".measured.lock"
NOTHING_REMOVED = Cut(remove=0.0)

Rows = list[dict[str, Any]]

_ASKED = {"points": "remove", "thresholds": "threshold"}
"""List of the curve -> what its cuts are named."""
_PARTIAL = "partial"
_POINT_NUMBERS = ("score", "removed_weights_fraction")
_PARTIAL_NUMBERS = (*_POINT_NUMBERS, "score_low", "score_high", "rows", "all_rows")
_TIMING_NUMBERS = (
    "dense_s", "masked_s", "shrunk_s", "speedup", "mac_ratio", "removed_weights_fraction",
)  # fmt: skip
_SIDES = ("dense", "shrunk")
_GENERATION_NUMBERS = (
    "batch_size", "prompt", "new_tokens", "removed_weights_fraction",
    *(f"kv_bytes_per_token_{side}" for side in _SIDES),
    *(f"{phase}_{name}" for phase in ("prefill", "decode") for name in (
        "speedup", "speedup_p10", "speedup_p90", "ideal",
        *(f"{side}_tokens_per_s" for side in _SIDES),
    )),
)  # fmt: skip
_TIMINGS, _GENERATION = "timings", "generation"
_TIMED = {_TIMINGS: _TIMING_NUMBERS, _GENERATION: _GENERATION_NUMBERS}
"""List of the timings -> the numbers that each of its rows has."""
_MACHINE = ("threshold", "remove", "batch_size", "dtype", "device", "threads", "hardware")
_SAME = {_TIMINGS: (*_MACHINE, "seq_len"), _GENERATION: (*_MACHINE, "prompt", "new_tokens")}


@dataclass(frozen=True)
class AtCut:
    """What is known of a run's smaller model at one cut: the same for pages, cards and tables.

    Attributes:
        point: Its score and counts; None if it was not scored.
        dense: The same with nothing removed.
        timings: Its times of passes, the newest last.
        as_trained: Whether the cut closes exactly what training closed. The score is that of the
            run's own last evaluation then.
        generations: Of a language model: its times of reading and writing, the newest last.
    """

    point: dict[str, Any] | None
    dense: dict[str, Any] | None
    timings: Rows
    as_trained: bool
    generations: Rows = field(default_factory=list)

    @property
    def timing(self) -> dict[str, Any] | None:
        """The newest of its times."""
        return self.timings[-1] if self.timings else None

    @property
    def generation(self) -> dict[str, Any] | None:
        """The newest of its times of reading and writing."""
        return self.generations[-1] if self.generations else None


def at_cut(run: Run, cut: Cut | None) -> AtCut:
    """What is known of a cut. Cuts that close the same gates are one cut.

    Args:
        run: A finished run.
        cut: Where its gates are cut off; None for as training left them.

    Raises:
        RunError: If a file of the run is damaged.
    """
    cuts = _Cuts(run)
    points, cut = [*read_points(run), *read_thresholds(run)], cut or AS_TRAINED
    timings, generations = ([t for t in rows if cuts.same(t, cut)] for rows in _timed(run).values())
    point, dense = (cuts.point(points, one) for one in (cut, NOTHING_REMOVED))
    return AtCut(point, dense, timings, cuts.as_trained(cut), generations)


def own_scores(run: Run) -> dict[str, Any]:
    """``score``, ``metrics`` and counts of a finished run's last evaluation; nothing before it."""
    status = run.status()
    if status.state != "finished" or status.score is None:
        return {}
    return {
        "score": status.score,
        "metrics": status.metrics,
        "removed_weights_fraction": status.removed_weights_fraction or 0.0,
        "closed_gates_fraction": status.closed_gates_fraction or 0.0,
    }


class _Cuts:
    """Which cuts of a run are the same. All close the lowest gates, so their number decides."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.snapshot = run.snapshot() if run.snapshot_steps() else None

    def num_closed(self, cut: Cut) -> int | None:
        """None without gates on disk, as of a dense run."""
        if (gates := self.snapshot) is None:
            return None
        return int(gates_to_prune(gates.layout, gates.law, gates.means, cut).sum())

    def as_trained(self, cut: Cut) -> bool:
        if self.snapshot is None:
            return cut in (AS_TRAINED, NOTHING_REMOVED)
        return self.num_closed(cut) == int(self.snapshot.closed.sum())

    def same(self, row: Mapping[str, Any], cut: Cut) -> bool:
        """Whether a row was measured at this cut, or at one that closes as much."""
        if cut_of(row) == cut:
            return True
        closed = row.get("closed_gates")
        return closed is not None and closed == self.num_closed(cut)

    def point(self, points: Rows, cut: Cut) -> dict[str, Any] | None:
        known = [p for p in points if self.same(p, cut)]
        exact = [p for p in known if cut_of(p) == cut]
        found = (exact or known or [{}])[-1]
        own = own_scores(self.run) if self.as_trained(cut) else {}
        if own and (closed := self.num_closed(cut)) is not None:
            own |= {"closed_gates": closed, "reopened_gates": 0}
        metrics = {**found.get("metrics", {}), **own.get("metrics", {})}
        return {**found, **own, "metrics": metrics, **asdict(cut)} if found or own else None


def read_points(run: Run) -> Rows:
    """What was measured at budgets, smallest first; none if nothing was.

    Raises:
        RunError: If the file is damaged, or of another version.
    """
    return _curve(run)["points"]


def read_thresholds(run: Run) -> Rows:
    """What was measured at thresholds, as `read_points`."""
    return _curve(run)["thresholds"]


def read_partial(run: Run) -> Rows:
    """What was scored on a part of the rows, budgets and thresholds; none if nothing was.

    Each has ``score_low`` and ``score_high``, where the score on all rows is expected
    (`finegates.measuring.parts.interval`), ``rows`` that were scored and ``all_rows``.

    Raises:
        RunError: If the file is damaged, or of another version.
    """
    return _curve(run)[_PARTIAL]


def keep_points(run: Run, points: Iterable[Mapping[str, Any]]) -> None:
    """Writes points next to those of the file; one at the same cut is replaced.

    Args:
        run: The run.
        points: As `finegates.measuring.evaluation` makes them; those with ``rows`` are partial, and
            nothing beside one that is not.

    Raises:
        RunError: If the file is damaged.
    """
    rows: Rows = [dict(point) for point in points]
    new = {True: [p for p in rows if "rows" in p], False: [p for p in rows if "rows" not in p]}
    with FileLock(run.path / MEASURED_LOCK):  # a curve and a single cut may be scored together
        kept = _curve(run)
        for name, asked in _ASKED.items():
            of_kind = [point for point in new[False] if point.get(asked) is not None]
            by_cut = {point[asked]: point for point in [*kept[name], *of_kind]}
            kept[name] = [by_cut[cut] for cut in sorted(by_cut)]
        scored = {cut_of(point) for name in _ASKED for point in kept[name]}
        partial = {cut_of(point): point for point in [*kept[_PARTIAL], *new[True]]}
        kept[_PARTIAL] = [point for cut, point in partial.items() if cut not in scored]
        content = {name: rows for name, rows in kept.items() if rows or name != _PARTIAL}
        write_json(run.path / CURVE_FILE, {"format_version": FORMAT_VERSION, **content})


def read_timings(run: Run) -> Rows:
    """Results of `finegates.measuring.bench`, the newest last; none if nothing was timed.

    Raises:
        RunError: If the file is damaged, or of another version.
    """
    return _timed(run)[_TIMINGS]


def read_generations(run: Run) -> Rows:
    """Results of `finegates.measuring.generation`, as `read_timings`."""
    return _timed(run)[_GENERATION]


def keep_timing(run: Run, timing: Mapping[str, Any]) -> None:
    """Adds a result; one of the same cut, shape and machine is replaced.

    Raises:
        RunError: If the file is damaged.
    """
    _keep(run, _TIMINGS, timing)


def keep_generation(run: Run, timing: Mapping[str, Any]) -> None:
    """As `keep_timing`, of a result that `read_generations` gives."""
    _keep(run, _GENERATION, timing)


def _keep(run: Run, name: str, timing: Mapping[str, Any]) -> None:
    same = [timing.get(key) for key in _SAME[name]]
    with FileLock(run.path / MEASURED_LOCK):
        kept = _timed(run)
        others = [t for t in kept[name] if [t.get(key) for key in _SAME[name]] != same]
        kept[name] = [*others, dict(timing)]
        content = {name: rows for name, rows in kept.items() if rows or name == _TIMINGS}
        write_json(run.path / TIMINGS_FILE, {"format_version": FORMAT_VERSION, **content})


def _timed(run: Run) -> dict[str, Rows]:
    """Both lists of times."""
    content, where = _content(run, TIMINGS_FILE), f"{run.id}/{TIMINGS_FILE}"
    default: dict[str, Any] = {_TIMINGS: None if content else [], _GENERATION: []}
    return {
        name: _checked(content.get(name, default[name]), numbers, where)
        for name, numbers in _TIMED.items()
    }


def _curve(run: Run) -> dict[str, Rows]:
    content = _content(run, CURVE_FILE) or {"points": []}
    found = {"points": content.get("points"), "thresholds": content.get("thresholds", [])}
    where = f"{run.id}/{CURVE_FILE}"
    curve = {
        name: _checked(found[name], (asked, *_POINT_NUMBERS), where)
        for name, asked in _ASKED.items()
    }
    return curve | {_PARTIAL: _checked(content.get(_PARTIAL, []), _PARTIAL_NUMBERS, where)}


def _content(run: Run, name: str) -> dict[str, Any]:
    """What a file holds; nothing without the file."""
    path = run.path / name
    if not path.is_file():
        return {}
    content = read_json(path)
    if content.get("format_version") != FORMAT_VERSION:
        raise RunError(f"{run.id}/{name} is damaged, or not of version {FORMAT_VERSION}.")
    return content


def _checked(rows: Any, keys: Sequence[str], where: str) -> Rows:
    """The rows themselves, once it is sure that each is an object with a number under every key."""
    if not isinstance(rows, list):
        raise RunError(f"{where} is damaged: its points are no list.")
    for row in rows:
        values = [row.get(key) for key in keys] if isinstance(row, dict) else [None]
        if not all(isinstance(value, int | float) for value in values):
            raise RunError(f"{where} is damaged: {str(row)[:80]} is no point of it.")
    return rows
