"""The published comparison of all methods on one model and few rows: what each of them came to.

``python -m benchmarks.methods.compare`` measures it and ``python -m benchmarks.methods.report``
puts it into the package, where pages read it. Loads no torch.
"""

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from finegates.errors import RunError
from finegates.files.storage import read_json

COMPARED_PATH = Path(__file__).parent / "method_data" / "methods_compared.json"
MEASURE = (
    "python -m benchmarks.methods.compare --glue-dir PATH/glue_data --runs-dir runs/methods",
    "python -m benchmarks.methods.report",
)
"""The commands that measure it and that publish it."""
FINISHED = "finished"
SHAPE = "32x128"
"""Rows x tokens of what is timed."""


@dataclass(frozen=True)
class ComparedRun:
    """One training of the comparison.

    Attributes:
        method: Its method.
        task: Its task.
        seed: Its seed.
        state: ``finished``, or the state that it ended in otherwise.
        reason: Why it did not finish; empty if it did.
        metric: Name of the metric; empty without a score.
        score: On the validation rows; None without one.
        only_answer: What it answers to every validation row; empty if it does not.
        trainable_params: What it trained, the head included; 0 if it never began.
        removed_weights_fraction: In [0, 1]; None if it is not known, or nothing is removed.
        speedup: Time of the whole model over that of the smaller one at `SHAPE`; None if that was
            not measured, or nothing is removed.
        rate_setting: Which rate was searched for.
        rate: The one that was chosen; None if no search finished.
        step_ratio: Time of a step over that of LoRA's on the same matrices; None if not measured.
    """

    method: str
    task: str
    seed: int
    state: str
    reason: str
    metric: str
    score: float | None
    only_answer: str
    trainable_params: int
    removed_weights_fraction: float | None
    speedup: float | None
    rate_setting: str
    rate: float | None
    step_ratio: float | None


@dataclass(frozen=True)
class Compared:
    """The comparison.

    Attributes:
        date: When it was written.
        settings: What holds for all runs.
        hardware: What they were trained on.
        runs: All of them.
    """

    date: str
    settings: Mapping[str, Any]
    hardware: tuple[str, ...]
    runs: tuple[ComparedRun, ...]


@dataclass(frozen=True)
class MethodScore:
    """What the seeds of a method came to on a task.

    Attributes:
        method: The method.
        task: The task.
        metric: Name of the metric; empty if no seed finished.
        median: Median score of the seeds that finished; None without any.
        low: The lowest.
        high: The highest.
        seeds: Seeds that finished.
        stuck: Those of them whose model answers every row alike.
        removed: Median fraction of the gated weights that is removed; None if nothing is.
        speedup: How many times as fast the smaller model is; None if not measured.
        trained: Trained parameters, the head included; 0 if no seed began.
        step_ratio: Time of a step over LoRA's; None if not measured.
        failed: Why seeds did not finish, each reason once; empty if all did.
    """

    method: str
    task: str
    metric: str
    median: float | None
    low: float | None
    high: float | None
    seeds: tuple[int, ...]
    stuck: tuple[int, ...]
    removed: float | None
    speedup: float | None
    trained: int
    step_ratio: float | None
    failed: tuple[str, ...]


def read_compared(path: Path = COMPARED_PATH) -> Compared | None:
    """The published comparison; None if nothing has been published.

    Raises:
        RunError: If the file can't be read, or is of another version of this program.
    """
    return compared_of(read_json(path)) if path.is_file() else None


def compared_of(record: Mapping[str, Any]) -> Compared:
    """A comparison from its JSON.

    Raises:
        RunError: If something is missing in it.
    """
    names = [field.name for field in fields(ComparedRun)]
    try:
        runs = tuple(ComparedRun(**{name: row[name] for name in names}) for row in record["rows"])
        return Compared(record["date"], record["settings"], tuple(record["trained_on"]), runs)
    except (KeyError, TypeError) as error:
        raise RunError(
            f"The comparison of methods lacks {error}: it is damaged, or of another version of "
            f"this program. Measure again: {MEASURE[0]}"
        ) from None


def method_scores(runs: Iterable[ComparedRun]) -> list[MethodScore]:
    """Medians over seeds, one for each method and task, in the order of the runs."""
    together: dict[tuple[str, str], list[ComparedRun]] = {}
    for run in runs:
        together.setdefault((run.method, run.task), []).append(run)
    return [_score(of_both) for of_both in together.values()]


def _score(runs: list[ComparedRun]) -> MethodScore:
    done = [run for run in runs if run.state == FINISHED and run.score is not None]
    scores = [run.score for run in done if run.score is not None]
    removed = [r.removed_weights_fraction for r in done if r.removed_weights_fraction is not None]
    failed = dict.fromkeys(run.reason or run.state for run in runs if run not in done)
    return MethodScore(
        runs[0].method,
        runs[0].task,
        next((run.metric for run in done), ""),
        median=statistics.median(scores) if scores else None,
        low=min(scores, default=None),
        high=max(scores, default=None),
        seeds=tuple(run.seed for run in done),
        stuck=tuple(run.seed for run in done if run.only_answer),
        removed=statistics.median(removed) if removed else None,
        speedup=next((run.speedup for run in done if run.speedup is not None), None),
        trained=max(run.trainable_params for run in runs),
        step_ratio=next((r.step_ratio for r in runs if r.step_ratio is not None), None),
        failed=tuple(failed),
    )
