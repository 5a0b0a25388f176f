"""Puts the runs of the frontier into cached_runs, without what resuming needs.

    python -m scripts.ship_runs --runs-dir runs/frontier

Of the default recipe the first seed's runs at the targets of every task are shipped whole, with
gates and trained weights; of all others settings, scores and curves. No text of the data is in a
run. Git ignores the user's own runs; ``git add --force`` what this prints.
"""

import argparse
import shutil
from dataclasses import replace
from pathlib import Path

from benchmarks.frontier.plan import PROFILES
from benchmarks.frontier.run import group_name
from finegates.groups.store import Cell, Group, list_groups, save_group
from finegates.methods import DEFAULT_METHOD
from finegates.runs.folder import (
    CHECKPOINT_FOLDER,
    GATES_FOLDER,
    HISTOGRAMS_FILE,
    TRAINED_FOLDER,
    Run,
)
from finegates.runs.status import write_status

PROFILE = PROFILES["cpu"]
SHIPPED = Path(__file__).resolve().parents[1] / "cached_runs"
NEVER = (CHECKPOINT_FOLDER, ".*", "*.log")
LARGE = (GATES_FOLDER, TRAINED_FOLDER, HISTOGRAMS_FILE)


def main() -> None:
    """Ships every group of the frontier."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs-dir", type=Path, required=True)
    runs_dir = parser.parse_args().runs_dir
    for group in list_groups(runs_dir):
        if group.name.startswith(group_name("")):
            print(*ship(group, runs_dir), sep="\n")


def ship(group: Group, runs_dir: Path) -> list[Path]:
    """Copies a group's finished runs and its file, which then names just these."""
    finished = [cell for cell in group.cells if _is_finished(cell, runs_dir)]
    for cell in finished:
        _copy(Run(runs_dir / str(cell.run)), _is_whole(cell))
    cells = tuple(cell if cell in finished else replace(cell, run=None) for cell in group.cells)
    shipped = replace(group, path=SHIPPED / group.path.name, cells=cells)
    save_group(shipped)
    return [shipped.path, *(SHIPPED / str(cell.run) for cell in finished)]


def _is_whole(cell: Cell) -> bool:
    if cell.method != DEFAULT_METHOD or cell.seed != PROFILE.seeds[0]:
        return False
    return cell.target in PROFILE.targets


def _is_finished(cell: Cell, runs_dir: Path) -> bool:
    return bool(cell.run) and Run(runs_dir / str(cell.run)).status().state == "finished"


def _copy(run: Run, whole: bool) -> None:
    target = SHIPPED / run.id
    shutil.rmtree(target, ignore_errors=True)
    ignored = shutil.ignore_patterns(*NEVER, *(() if whole else LARGE))
    shutil.copytree(run.path, target, ignore=ignored)
    write_status(target, replace(run.status(), host="", pid=0, process_created=0.0))


if __name__ == "__main__":
    main()
