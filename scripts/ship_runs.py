"""Puts runs of the frontier into cached_runs, without what resuming needs, and makes them light.

    python -m scripts.ship_runs --runs-dir runs/frontier

Groups of single seeds become one group of a task and part. Of the default recipe the first seed's
runs at `OPENED` are shipped whole, with gates and trained weights; of other gated runs the final
gates, in half precision where that closes the same; of all others settings, scores, curves and
answers. Of a long log of steps an even part is kept, of gates that are rounded the last. No text of
the data is in a run. Git ignores the user's own runs; ``git add --force`` what this prints.
"""

import argparse
import json
import shutil
from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np

from benchmarks.frontier.plan import PREFIX, group_name, part_of
from finegates.files.storage import write_atomically
from finegates.gates.snapshots import save_snapshot, snapshot_path
from finegates.groups.store import (
    Cell,
    Group,
    group_path,
    list_groups,
    open_group,
    save_group,
)
from finegates.methods import DEFAULT_METHOD
from finegates.runs.folder import (
    CHECKPOINT_FOLDER,
    GATES_FOLDER,
    HISTOGRAMS_FILE,
    METRICS_FILE,
    TRAINED_FOLDER,
    Run,
    list_runs,
)
from finegates.runs.status import write_status

SHIPPED = Path(__file__).resolve().parents[1] / "cached_runs"
OPENED = 0.4
NEVER = (CHECKPOINT_FOLDER, ".*", "*.log")
MOST_LOGS = {METRICS_FILE: 60, HISTOGRAMS_FILE: 20}
FROM_ONE_RUN = "start_from"
"""What the seeds of a part differ in, besides the seed."""


def main() -> None:
    """Ships every group of the frontier, and makes light what is shipped."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs-dir", type=Path, required=True)
    runs_dir = parser.parse_args().runs_dir
    found = sorted(list_groups(runs_dir), key=lambda group: group.name)
    of_frontier = [group for group in found if group.name.startswith(PREFIX)]
    for place, seeds in groupby(of_frontier, key=lambda group: part_of(group.name)):
        print(*ship(group_name(*place), list(seeds), runs_dir), sep="\n")
    for run in list_runs(SHIPPED):
        make_light(run)


def ship(name: str, seeds: list[Group], runs_dir: Path) -> list[Path]:
    """Copies the finished runs of a part's groups, and writes one group of these and the shipped.

    A finished run takes the place of one that was shipped for the same cell. A group without any
    is not shipped.
    """
    before = {cell.key: cell for cell in _shipped_cells(name)}
    asked = {cell.key: cell for group in seeds for cell in group.cells}
    finished = {key: cell for key, cell in asked.items() if _is_finished(cell, runs_dir)}
    for key, cell in finished.items():
        if key in before:
            shutil.rmtree(SHIPPED / str(before[key].run), ignore_errors=True)
        _copy(Run(runs_dir / str(cell.run)))
    missing = {key: replace(cell, run=None) for key, cell in asked.items() if key not in before}
    cells = tuple({**before, **missing, **finished}.values())
    if not any(cell.run for cell in cells):
        return []
    first = seeds[0]
    settings = {k: v for k, v in first.settings.items() if k != FROM_ONE_RUN}
    shipped = Group(
        group_path(SHIPPED, name), name, first.created,
        f"python -m finegates sweep --name {name}", settings, cells,
    )  # fmt: skip
    save_group(shipped)
    return [shipped.path, *(SHIPPED / str(cell.run) for cell in finished.values())]


def _shipped_cells(name: str) -> tuple[Cell, ...]:
    return open_group(SHIPPED, name).cells if group_path(SHIPPED, name).is_file() else ()


def make_light(run: Run) -> None:
    """Removes from a shipped run what `main` says; a second time nothing is left to remove."""
    whole = _is_whole(run)
    if not whole:
        shutil.rmtree(run.path / TRAINED_FOLDER, ignore_errors=True)
        (run.path / HISTOGRAMS_FILE).unlink(missing_ok=True)
    rounded = _rounded_steps(run)
    snapshots = run.snapshot_steps()
    for step in snapshots[:-1]:
        if not whole or step in rounded:
            snapshot_path(run.path / GATES_FOLDER, step).unlink()
    if snapshots and not whole:  # nothing is computed from these, they are looked at
        last = run.snapshot(snapshots[-1])
        half = replace(last, means=last.means.astype(np.float16).astype(np.float32))
        if ((half.values <= 0) == (last.values <= 0)).all():
            save_snapshot(run.path / GATES_FOLDER, last, full_precision=False)
    for name, most in MOST_LOGS.items():
        path = run.path / name
        if path.exists():
            lines = path.read_bytes().splitlines(keepends=True)
            write_atomically(path, b"".join(_thinned(lines, most)))


def _thinned(lines: list[bytes], most: int) -> Iterable[bytes]:
    """Every evaluation, and of the steps between so many, evenly; the last always."""
    steps = [n for n, line in enumerate(lines) if json.loads(line).get("kind", "train") == "train"]
    every = -(-len(steps) // most) or 1
    kept = {*steps[::-1][::every]}
    return (line for n, line in enumerate(lines) if n in kept or n not in steps)


def _rounded_steps(run: Run) -> set[int]:
    return {row["step"] for row in run.metrics_reader().read_new() if row.get("rounded")}


def _is_whole(run: Run) -> bool:
    spec = run.spec
    return spec.method == DEFAULT_METHOD and not spec.seed and spec.target_sparsity == OPENED


def _is_finished(cell: Cell, runs_dir: Path) -> bool:
    return bool(cell.run) and Run(runs_dir / str(cell.run)).status().state == "finished"


def _copy(run: Run) -> None:
    target = SHIPPED / run.id
    shutil.rmtree(target, ignore_errors=True)
    left = (*NEVER, *(() if _is_whole(run) else (TRAINED_FOLDER,)))
    shutil.copytree(run.path, target, ignore=shutil.ignore_patterns(*left))
    write_status(target, replace(run.status(), host="", pid=0, process_created=0.0))


if __name__ == "__main__":
    main()
