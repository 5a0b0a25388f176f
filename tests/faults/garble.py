"""Spoils a file of a run folder in every way that comes to mind, and reads all that can be read."""

import random
from collections.abc import Callable
from pathlib import Path

from finegates.errors import FineGatesError
from finegates.files.storage import write_json
from finegates.jobs.tasks import TASKS_FOLDER, read_task
from finegates.runs.folder import Run, current_rows
from finegates.runs.measurements import (
    keep_points,
    keep_timing,
    read_points,
    read_thresholds,
    read_timings,
)
from finegates.runs.notes import read_notes, write_notes


def _cut(path: Path, chance: random.Random) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: chance.randint(1, max(1, len(content) - 1))])


def _flip(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(1 + len(content) // 50):
        content[chance.randrange(len(content))] = chance.randrange(256)
    path.write_bytes(content)


def _become_folder(path: Path, chance: random.Random) -> None:
    path.unlink()
    path.mkdir()


def _link_to_itself(path: Path, chance: random.Random) -> None:
    path.unlink()
    path.symlink_to(path)


GARBLINGS: dict[str, Callable[[Path, random.Random], object]] = {
    "cut short": _cut,
    "empty": lambda path, chance: path.write_bytes(b""),
    "garbage": lambda path, chance: path.write_bytes(chance.randbytes(5000)),
    "flipped bytes": _flip,
    "another kind of JSON": lambda path, chance: path.write_text('[1, {"step": "x"}, null]\n7\n'),
    "nested deep": lambda path, chance: path.write_text("[" * 100_000),
    "NaN": lambda path, chance: path.write_text('{"step": NaN, "format_version": 1}'),
    "gone": lambda path, chance: path.unlink(),
    "a folder": _become_folder,
    "a link to itself": _link_to_itself,
}


def add_what_pages_add(run: Run) -> None:
    """The files that a finished run gets later: other cuts, times, notes, a task."""
    cut = {"removed_weights_fraction": 0.3, "closed_gates_fraction": 0.3, "score": 0.7}
    keep_points(run, [{**cut, "remove": 0.3}, {**cut, "threshold": 0.5}])
    times = dict.fromkeys(("dense_s", "masked_s", "shrunk_s", "speedup", "mac_ratio"), 1.5)
    keep_timing(run, {**times, "removed_weights_fraction": 0.3, "remove": 0.3})
    write_notes(run.path, "a note", ["a-tag"])
    (run.path / TASKS_FOLDER).mkdir()
    task = {"pid": 1, "created": 0.0, "started": 0.0, "arguments": ["prune", run.id]}
    write_json(run.path / TASKS_FOLDER / "score.json", task)


def places(run: Run) -> list[str]:
    """Every file of a run folder."""
    files = (f.relative_to(run.path) for f in run.path.rglob("*") if f.is_file())
    return sorted(str(f) for f in files if not f.name.endswith(".lock"))


def read_everything(run: Run) -> None:
    """Reads as pages and commands do. What can't be read says so by an error of ours."""
    assert run.row()["run"] == run.id
    for read in (
        run.status,
        lambda: run.spec,
        lambda: current_rows(run.metrics_reader().read_new()),
        lambda: run.histograms_reader().read_new(),
        run.log_tail,
        lambda: [run.snapshot(step).values for step in run.snapshot_steps()],
        lambda: (read_points(run), read_thresholds(run), read_timings(run), read_notes(run.path)),
        lambda: read_task(run, "score"),
    ):
        try:
            read()
        except FineGatesError as error:
            assert str(error).strip()


def read_until_over(path: Path) -> None:
    """Reads again and again until the run is over; nothing may be found damaged meanwhile."""
    run = Run(path)
    metrics, histograms, steps = run.metrics_reader(), run.histograms_reader(), []
    while True:
        fresh = Run(path)
        row = fresh.row()
        assert row["status"] != "broken", row["reason"]
        steps += [r["step"] for r in metrics.read_new()]
        histograms.read_new()
        assert metrics.num_bad_lines == histograms.num_bad_lines == 0
        for step in fresh.snapshot_steps():
            fresh.snapshot(step)
        if fresh.status().is_over:
            assert steps == sorted(steps) and steps[-1] == fresh.status().step
            return
