"""In which order should gates begin? At equal steps, short and long, from a fine-tuned model.

    FINEGATES_CPU_WORKERS=2 python -m benchmarks.gate_starts --glue-dir PATH/glue_data \
        --runs-dir runs/frontier [--seeds 0]

MiniLM on the first 2,000 rows of SST-2, from the frontier's dense run, which has to be there; gates
on heads and neurons, all weights trained, 40 and 60% removed. Gates begin all alike (``even``), in
the order of what the loss feels of them (``sensitivity``), or are no random numbers at all but
scores that close the lowest at every step and learn through them (``scores``): movement pruning,
which is nn_pruning's way, of the structures that make a model faster. What nn_pruning has beside
that, blocks of 32 x 32 in attention and a threshold in place of a budget, is not rebuilt.

Goes on where it was. Writes benchmarks/results/gate_starts.json; the last line printed is that
JSON.
"""

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.frontier.plan import PARTS, settings_of
from benchmarks.frontier.run import reference_of, wait_for
from benchmarks.record import environment, write_result
from benchmarks.structures import PART, TARGETS
from finegates.data.glue import GLUE_DIR_VARIABLE
from finegates.groups.store import Cell, Group, open_group
from finegates.groups.sweep import start_sweep
from finegates.methods import METHODS, WARM_METHOD
from finegates.runs.folder import open_run
from finegates.settings import words_of

TASK, ROWS = "sst2", 2000
EPOCHS = {"short": 1, "long": 5}
WAYS: dict[str, dict[str, Any]] = {
    "even": {"gate_start": "even"},
    "sensitivity": {"gate_start": "sensitivity"},
    "scores": {
        name: METHODS["graspruned"].settings[name] for name in ("gate_law", "gate_learning_rate")
    },
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Trains what is missing, writes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--glue-dir", required=True)
    parser.add_argument("--runs-dir", type=Path, required=True)
    parser.add_argument("--seeds", default="0")
    options = parser.parse_args(arguments)
    # in the environment rather than in the specs, which would carry a path of this machine
    os.environ[GLUE_DIR_VARIABLE] = str(Path(options.glue_dir).resolve())
    runs_dir = options.runs_dir.resolve()
    groups = [
        _start(way, length, seed, runs_dir)
        for seed in map(int, words_of(options.seeds))
        for length in EPOCHS
        for way in WAYS
    ]
    wait_for(groups, runs_dir)
    rows = [row for group in groups for row in _rows(group, runs_dir)]
    result = {**environment(), "task": TASK, "rows_trained": ROWS, "rows": rows}
    write_result("gate_starts.json", result)
    print(json.dumps(result))


def _start(way: str, length: str, seed: int, runs_dir: Path) -> Group:
    (part,) = (part for part in PARTS if part.name == PART)
    settings = {
        **settings_of(part, TASK),
        **WAYS[way],
        "gate_units": ["heads", "neurons"],
        "max_train_samples": ROWS,
        "epochs": EPOCHS[length],
        "start_from": reference_of(TASK, seed, runs_dir),
    }
    cells = [Cell(WARM_METHOD, target, seed) for target in TARGETS]
    return start_sweep(runs_dir, f"starts-{TASK}-{way}-{length}-seed{seed}", settings, cells)


def _rows(group: Group, runs_dir: Path) -> list[dict[str, Any]]:
    """What each run of a group lost against the model that it started from."""
    _, _, way, length, _ = group.name.split("-")
    rows = []
    for run in (open_run(runs_dir, run) for run in open_group(runs_dir, group.name).runs):
        status, dense = run.status(), open_run(runs_dir, str(run.spec.start_from)).status()
        lost = None if status.score is None else 100 * (dense.score - status.score)
        rows.append(
            {
                "way": way,
                "length": length,
                "steps": status.total_steps,
                "remove": run.spec.target_sparsity,
                "removed_weights_fraction": status.removed_weights_fraction,
                "seed": run.spec.seed,
                "state": status.state,
                "score": status.score,
                "points_lost": lost,
            }
        )
    return rows


if __name__ == "__main__":
    main()
