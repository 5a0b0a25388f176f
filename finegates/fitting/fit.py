"""How small can it get? A dense reference, trainings at targets that bracket the edge, the answer.

Half of the validation rows, drawn by the seed, decide which training comes next and what the answer
is; what the answer is worth is said of the other half, which nothing was chosen on.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from finegates.data.metric_kinds import is_lower_better
from finegates.data.splits import load_splits
from finegates.errors import RunError
from finegates.fitting.file import Fit, save_fit
from finegates.fitting.search import Next, Try, next_try, smallest_within
from finegates.jobs.compress import compression
from finegates.jobs.control import resume, submit
from finegates.measuring.paired import PairedDrop, paired_drop
from finegates.runs.folder import Run, new_run_id, open_run
from finegates.runs.predictions import read_answers_so_far, read_predictions
from finegates.runs.status import RESUMABLE_STATES
from finegates.runs.stop_request import StopRequest, ask_to_end
from finegates.spec import RunSpec, make_spec

REFERENCE_METHOD = "full"
REFERENCE_SETTINGS = {"head_start": "fitted", "dropout": 0.0, "lr_warmup_fraction": 0.06}
"""The same help that the gated recipe gets: else its gain would be taken for the gates'."""
FINISHED = "finished"
LOST_BY = 0.1
"""A training is ended early once its gates are rounded and its drop is beyond the tolerance by
this for sure: recovery has given back eight points at most (docs/LOG.md). How much of a perplexity
it gives back is not known, so none of those is."""
_WHY_LOST = "The search ended it, {:.1f} points below the reference: no recovery gives that back."


@dataclass(frozen=True)
class Answer:
    """The smallest model within the tolerance.

    Attributes:
        target: Fraction of the gated weights that it removes; None if no target is within.
        run: Id of the run to take: of several seeds, the best by the deciding rows.
        removed_weights_fraction: What it really removes; 0 without a run.
        paired: The drop on the reporting rows, over all seeds of that target; None without a run.
        trainings: How many trainings it took, the reference among them.
        seconds: How long they took together.
        tried: What was trained, judged by the deciding rows.
        is_final: Whether the search has ended.
        metric: What the scores are.
    """

    target: float | None
    run: str | None
    removed_weights_fraction: float
    paired: PairedDrop | None
    trainings: int
    seconds: float
    tried: tuple[Try, ...]
    is_final: bool
    metric: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON types; the ends of the drop's interval are ``drop_low`` and ``drop_high``."""
        record = asdict(self)
        del record["paired"]
        return record | (self.paired.to_dict() if self.paired else {})


def take_up(fit: Fit, runs_dir: Path) -> Fit:
    """A search as it goes on: runs that were never made or are gone are forgotten, ended resumed.

    Raises:
        FineGatesError: If a run can't be resumed.
    """
    there = [run_id for run_id in fit.all_runs if (runs_dir / run_id).is_dir()]
    if fit.reference and fit.reference not in there:
        there = []  # the others started from it
    reference = fit.reference if fit.reference in there else ""
    runs, lost = (tuple(r for r in ids if r in there) for ids in (fit.runs, fit.lost))
    kept = replace(fit, reference=reference, runs=runs, lost=lost)
    if kept != fit:
        save_fit(runs_dir, kept)
    for run in _opened(kept.wanted, runs_dir):
        if run.status().state in RESUMABLE_STATES:
            resume(run)
    return kept


def advance(fit: Fit, runs_dir: Path) -> tuple[Fit, Run | None]:
    """Queues the next run if none is at work; ends the one at work if it is lost.

    Returns:
        The search as it is now, and the run to wait for; None if the search has ended.

    Raises:
        RunError: If a run has ended before its time.
        FineGatesError: If the next run could not work.
    """
    for run in _opened(fit.wanted, runs_dir):
        status = run.status()
        if status.state in RESUMABLE_STATES:
            raise RunError(
                f"{run.id}, a run of the search '{fit.name}', is {status.state}. {status.reason} "
                f"To go on from there: python -m finegates fit --name {fit.name}"
            )
        if status.state != FINISHED:
            lost_points = _points_if_lost(fit, run, runs_dir)
            if lost_points is None:
                return fit, run
            fit = replace(fit, lost=(*fit.lost, run.id))
            save_fit(runs_dir, fit)
            ask_to_end(run.path, StopRequest("stopped", _WHY_LOST.format(lost_points)))
    if not fit.reference and not fit.settings.get("start_from"):
        spec = reference_spec(fit)
        fit = replace(fit, reference=new_run_id(spec))
    else:
        found = next_try(tries_of(fit, runs_dir), fit.max_drop, fit.seed, fit.most_trainings)
        if found is None:
            return fit, None
        spec = gated_spec(fit, found, _num_train(fit, runs_dir))
        fit = replace(fit, runs=(*fit.runs, new_run_id(spec)))
    save_fit(runs_dir, fit)
    return fit, submit(spec, runs_dir, run_id=fit.all_runs[-1])


def reference_spec(fit: Fit) -> RunSpec:
    """The dense run that others are compared with, and start from."""
    general = {k: v for k, v in fit.settings.items() if k != "method"}
    return make_spec(
        {**REFERENCE_SETTINGS, **general, "method": REFERENCE_METHOD, "seed": fit.seed}
    )


def gated_spec(fit: Fit, found: Next, num_train: int | None = None) -> RunSpec:
    """A gated run of the search: starts from the reference and imitates it, as in `compress`."""
    given = {k: v for k, v in fit.settings.items() if k != "start_from"}
    start = fit.reference or fit.settings["start_from"]
    return compression(start, found.target, {**given, "seed": found.seed}, num_train)


def _num_train(fit: Fit, runs_dir: Path) -> int | None:
    """Training rows, as its first run found them, or as they are read now."""
    if runs := _opened(fit.all_runs, runs_dir):
        return runs[0].record["data"].get("num_train")
    return len(load_splits(make_spec(fit.settings)).train)


def tries_of(fit: Fit, runs_dir: Path) -> list[Try]:
    """The finished runs of a search and the lost ones, judged by the rows that decide."""
    return [
        _try_of(fit, run, _compared(fit, runs_dir, [run], deciding=True))
        for run in _judged(fit, runs_dir)
    ]


def answer_of(fit: Fit, runs_dir: Path) -> Answer:
    """What is known so far; the whole answer once the search has ended.

    Raises:
        RunError: If a run, or its answers to single rows, are gone or damaged.
    """
    judged = _judged(fit, runs_dir)
    tried = tries_of(fit, runs_dir)
    all_over = bool(tried) and len(tried) == len(fit.runs)
    final = all_over and next_try(tried, fit.max_drop, fit.seed, fit.most_trainings) is None
    spent = [_seconds(run) for run in _opened(fit.all_runs, runs_dir) if _is_over(fit, run)]
    target = smallest_within(tried, fit.max_drop)
    metric = str(judged[0].status().metric) if judged else ""
    if target is None:
        return Answer(
            None, None, 0.0, None, len(spent), sum(spent), tuple(tried), final, metric
        )  # fmt: skip
    chosen = [(t, run) for t, run in zip(tried, judged, strict=True) if t.target == target]
    best = min(chosen, key=lambda pair: pair[0].drop)[1]
    removed = median(run.status().removed_weights_fraction or 0.0 for _, run in chosen)
    paired = _compared(fit, runs_dir, [run for _, run in chosen], deciding=False)
    return Answer(
        target, best.id, removed, paired, len(spent), sum(spent), tuple(tried), final, metric
    )  # fmt: skip


def deciding_rows(labels: np.ndarray, seed: int) -> np.ndarray:
    """Which rows decide: half of them, of each class where there are classes; bool, (rows,)."""
    order = np.random.default_rng(seed).permutation(len(labels))
    if np.issubdtype(labels.dtype, np.integer):
        order = order[np.argsort(labels[order], kind="stable")]
    decides = np.zeros(len(labels), dtype=bool)
    decides[order[::2]] = True
    return decides


def _compared(fit: Fit, runs_dir: Path, runs: Sequence[Run], *, deciding: bool) -> PairedDrop:
    given = [read_predictions(run.path) for run in runs]
    labels = given[0].labels
    if fit.reference:
        before = read_predictions(open_run(runs_dir, fit.reference).path)
        labels, reference = before.labels, before.answers
    else:
        reference = given[0].reference
    answers = [predictions.answers for predictions in given]
    if reference is None or any(not np.array_equal(p.labels, labels) for p in given):
        raise RunError(
            f"The runs of the search '{fit.name}' are about different validation rows; the data "
            "has changed meanwhile. Start another search."
        )
    rows = deciding_rows(labels, fit.seed)
    rows = rows if deciding else ~rows
    metric = str(runs[0].status().metric)
    return paired_drop(
        metric, labels[rows], [reference[rows]], [a[rows] for a in answers if a is not None]
    )


def _try_of(fit: Fit, run: Run, paired: PairedDrop) -> Try:
    doubt = (paired.high - paired.low) / 2
    spec = run.spec
    return Try(spec.target_sparsity, spec.seed, paired.drop, doubt, run.id in fit.lost)


def _points_if_lost(fit: Fit, run: Run, runs_dir: Path) -> float | None:
    """By how much a run at work is below the reference; None if recovery may yet save it."""
    if run.id == fit.reference or read_answers_so_far(run.path) is None:
        return None
    if is_lower_better(run.status().metric):
        return None
    paired = _compared(fit, runs_dir, [run], deciding=True)
    return 100 * paired.drop if paired.low > fit.max_drop + LOST_BY else None


def _opened(run_ids: Iterable[str], runs_dir: Path) -> list[Run]:
    return [open_run(runs_dir, run_id) for run_id in run_ids]


def _judged(fit: Fit, runs_dir: Path) -> list[Run]:
    """The gated runs that have finished or are lost."""
    return [run for run in _opened(fit.runs, runs_dir) if _is_over(fit, run)]


def _is_over(fit: Fit, run: Run) -> bool:
    return run.id in fit.lost or run.status().state == FINISHED


def _seconds(run: Run) -> float:
    status = run.status()
    return (status.ended or time.time()) - (status.started or time.time())
