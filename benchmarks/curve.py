"""What the curve of a finished run costs, in evaluations of the dense model, and how it grows.

    python -m benchmarks.curve RUN [--runs-dir DIR]

The dense model is the run's base with its own head, no gates, scored on the same rows in the same
batches, before and after the curve. The curve is what ``evaluate RUN --curve`` does, from loading
the model on: every point on a part of the rows, then on all. How often the first intervals hold
the final scores is counted for the curve's own part and, from the answers that are known then,
for other parts of the same size. Nothing is written into the run. Writes
benchmarks/results/curve.json; the last line printed is that JSON.
"""

import argparse
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import environment, write_result
from finegates.gates.cuts import cut_of
from finegates.machine.devices import list_devices
from finegates.measuring.candidates import without_gates
from finegates.measuring.curve import FIRST_PART, grow_curve
from finegates.measuring.cutter import Cutter, Point
from finegates.measuring.parts import interval
from finegates.runs.curve_answers import ANSWERS_FILE
from finegates.runs.folder import Run, default_runs_dir, open_run
from finegates.runs.measurements import MEASURED_LOCK
from finegates.training.restore import restore_model
from finegates.training.scoring import scores_of

TIMES = 3
"""Dense evaluations before the curve, and after it."""
PARTS = 200
Clock = Callable[[], float]
CLOCKS: dict[str, Clock] = {"wall": time.perf_counter, "cpu": time.process_time}
GOALS = {"all_points_in_dense_evaluations": 3.0, "making_over_scoring": 0.1}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("--runs-dir", type=Path, default=None)
    parser.add_argument(
        "--clock",
        choices=list(CLOCKS),
        default="wall",
        help="cpu counts the seconds of this process's threads: for a machine that is not quiet",
    )
    options = parser.parse_args(arguments)
    found = open_run((options.runs_dir or default_runs_dir()).resolve(), options.run)
    with tempfile.TemporaryDirectory() as place:
        run, device = _without_curve(found, Path(place)), list_devices()[0].name
        result = {"clock": options.clock, **_measure(run, device, CLOCKS[options.clock])}
    write_result("curve.json", result)
    print(json.dumps(result))


def _without_curve(run: Run, place: Path) -> Run:
    """A copy of the run of which no cut was scored."""
    left_out = shutil.ignore_patterns("curve.json", ANSWERS_FILE, MEASURED_LOCK, "tasks", "exports")
    return Run(Path(shutil.copytree(run.path, place / run.id, ignore=left_out)))


def _measure(run: Run, device: str, clock: Clock) -> dict[str, Any]:
    cutter = Cutter(run, device)
    dense = without_gates(restore_model(run)[0])
    before = _dense_seconds(cutter, dense, clock)
    started = clock()
    told: list[tuple[float, Point]] = []
    points = grow_curve(run, device, lambda p: told.append((clock() - started, p)))
    total = clock() - started
    after = _dense_seconds(cutter, dense, clock)
    once = statistics.median([*before, *after])
    making, scoring, answers = _apart(cutter, points, clock)
    ratios = [made / scored for made, scored in zip(making, scoring, strict=True)]
    first = {p["closed_gates"]: p for _, p in reversed(told)}
    return {
        **environment(),
        "run": run.id,
        "device": device,
        "precision": cutter.judge.precision,
        "rows": len(cutter.judge.labels),
        "dense_evaluation_s": once,
        "dense_evaluations_s": [*before, *after],
        "first_part_of_rows": FIRST_PART,
        "first_point_s": told[0][0],
        "all_points_s": told[len(points) - 1][0],
        "all_points_in_dense_evaluations": told[len(points) - 1][0] / once,
        "curve_s": total,
        "points": len(points),
        "in_dense_evaluations": total / once,
        "ideal_in_dense_evaluations": sum(1 / p["mac_ratio"] for p in points),
        "scoring_alone_in_dense_evaluations": sum(scoring) / once,
        "making_over_scoring": sum(making) / sum(scoring),
        "making_over_scoring_highest": max(ratios),
        "making_s": making,
        "scoring_s": scoring,
        "goals": GOALS,
        "steps_s": [at for at, _ in told],
        "mac_ratios": [p["mac_ratio"] for p in points],
        "final_scores": [p["score"] for p in points],
        "first_intervals": [
            [first[p["closed_gates"]].get(name, p["score"]) for name in ("score_low", "score_high")]
            for p in points
        ],
        "first_intervals_hold": sum(_holds(first[p["closed_gates"]], p["score"]) for p in points),
        **_coverage(cutter, answers),
    }


def _dense_seconds(cutter: Cutter, dense: Any, clock: Clock) -> list[float]:
    times = []
    for _ in range(TIMES):
        started = clock()
        cutter.judge.scores(dense)
        times.append(clock() - started)
    return times


def _apart(
    cutter: Cutter, points: Sequence[Point], clock: Clock
) -> tuple[list[float], list[float], list[np.ndarray]]:
    """Seconds of making and of scoring each smaller model on all rows, and its answers."""
    making, scoring, answers = [], [], []
    for cut in map(cut_of, points):
        assert cut is not None
        closed, started = cutter.closed(cut), clock()
        model = cutter.smaller(closed)
        made = clock()
        answers.append(cutter.judge.answers(model, range(len(cutter.judge.labels))))
        making.append(made - started)
        scoring.append(clock() - made)
    return making, scoring, answers


def _holds(first: Point, score: float) -> bool:
    return first.get("score_low", score) <= score <= first.get("score_high", score)


def _coverage(cutter: Cutter, answers: Sequence[np.ndarray]) -> dict[str, Any]:
    """How often intervals from random parts of the size of the first hold the score on all rows."""
    judge, random = cutter.judge, np.random.default_rng(0)
    all_rows = len(judge.labels)
    held, widths = [], []
    for given in answers:

        def score(rows: np.ndarray, given: np.ndarray = given) -> float:
            return scores_of(given[rows], judge.labels[rows], judge.splits)[judge.metric]

        final = score(np.arange(all_rows))
        for _ in range(PARTS // len(answers)):
            part = random.permutation(all_rows)[: round(FIRST_PART * all_rows)]
            low, high = interval(score, part, all_rows)
            held.append(low <= final <= high)
            widths.append(high - low)
    return {
        "intervals_of_other_parts": len(held),
        "intervals_of_other_parts_hold": float(np.mean(held)),
        "interval_half_width": float(np.median(widths)) / 2,
    }


if __name__ == "__main__":
    main()
