"""Times the smaller models of the comparison next to their dense ones.

    python -m benchmarks.methods.speeds --runs-dir runs/methods [--tasks sst2,stsb]

To be run when nothing else runs. The first seed of each method that removes is timed on each of
these tasks, in turns with the whole model; what was timed before is not again. Then
``python -m benchmarks.methods.compare`` writes its result anew with them, and trains nothing.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.methods.plan import FINAL, ROWS, SEARCH_SEED, group_name
from benchmarks.shrink import passes_of
from finegates.errors import RunError
from finegates.files.storage import read_json, write_json
from finegates.groups.store import open_group
from finegates.measuring.bench import compare
from finegates.measuring.candidates import candidates
from finegates.methods import METHODS
from finegates.results.compared import FINISHED, SHAPE
from finegates.runs.folder import Run, open_run
from finegates.settings import words_of
from finegates.training.restore import restore_model

SPEEDS_FILE = "speeds.json"
REPEATS = 3


def main(arguments: Sequence[str] | None = None) -> None:
    """Times, writes after each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--runs-dir", type=Path, required=True)
    parser.add_argument("--tasks", default=",".join(ROWS))
    options = parser.parse_args(arguments)
    speeds = dict(read_speeds(options.runs_dir))
    for run in to_time(words_of(options.tasks), options.runs_dir):
        if run.id not in speeds:
            speeds[run.id] = speedup_of(run)
            print(run.id, speeds[run.id], file=sys.stderr, flush=True)
            write_json(options.runs_dir / SPEEDS_FILE, speeds)


def read_speeds(runs_dir: Path) -> Mapping[str, float]:
    """Run id -> time of the whole model over that of the smaller one; none before `main`."""
    path = runs_dir / SPEEDS_FILE
    return read_json(path) if path.exists() else {}


def to_time(tasks: Iterable[str], runs_dir: Path) -> Iterator[Run]:
    """The first seed of each method that removes, where it finished."""
    for name in (
        group_name(task, method, FINAL, SEARCH_SEED)
        for task in tasks for method, about in METHODS.items() if about.removes
    ):  # fmt: skip
        try:
            (run_id,) = open_group(runs_dir, name).runs
            run = open_run(runs_dir, run_id)
        except (RunError, ValueError):  # not trained
            continue
        if run.status().state == FINISHED:
            yield run


def speedup_of(run: Run) -> float:
    """How many times as fast the smaller model is, median of few passes."""
    forms = candidates(restore_model(run)[0], None)
    return compare(forms, *passes_of(SHAPE, REPEATS), masked=False)["speedup"]


if __name__ == "__main__":
    main()
