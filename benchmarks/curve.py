"""What the curve over 20 thresholds of a finished run costs, in evaluations of the dense model.

    python -m benchmarks.curve RUN [--runs-dir DIR]

The dense model is the run's base with its own head, no gates, scored on the same rows in the same
batches, before and after the curve. The curve is what ``evaluate RUN --curve`` does: every smaller
model is made and scored. Writes benchmarks/results/curve.json; the last line printed is that JSON.
"""

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.record import environment, write_result
from finegates.machine.devices import list_devices
from finegates.measuring.candidates import without_gates
from finegates.measuring.evaluation import evaluate_cuts
from finegates.runs.folder import default_runs_dir, open_run
from finegates.training.restore import restore_model, restore_splits
from finegates.training.scoring import Judge

BEFORE, AFTER = 3, 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("--runs-dir", type=Path, default=None)
    options = parser.parse_args(arguments)
    run = open_run((options.runs_dir or default_runs_dir()).resolve(), options.run)
    device = list_devices()[0].name
    model, tokenizer = restore_model(run)
    judge = Judge(run.spec, restore_splits(run), tokenizer, model, device)
    dense = without_gates(model)

    def seconds_dense() -> float:
        started = time.perf_counter()
        judge.scores(dense)
        return time.perf_counter() - started

    times = [seconds_dense() for _ in range(BEFORE)]
    started = time.perf_counter()
    points = evaluate_cuts(run, None, device)
    total = time.perf_counter() - started
    times = [*times[1:], *(seconds_dense() for _ in range(AFTER))]
    once = statistics.median(times)
    result = {
        **environment(),
        "run": run.id,
        "device": device,
        "rows": len(judge.splits.validation),
        "dense_evaluation_s": once,
        "dense_evaluations_s": times,
        "curve_s": total,
        "points": len(points),
        "distinct_points": len({p["closed_gates"] for p in points}),
        "in_dense_evaluations": total / once,
        "ideal_in_dense_evaluations": sum(1 / p["mac_ratio"] for p in points),
        "mac_ratios": [p["mac_ratio"] for p in points],
        "seconds": [p["seconds"] for p in points],
    }
    write_result("curve.json", result)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
