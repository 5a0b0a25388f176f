"""Reads run folders and data for the pages. The only place with a Streamlit cache.

Every cache is keyed on what decides its answer (path and modification time) and has an upper bound.
"""

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from app.curves.looks import look_numbers
from app.reading.feed import EVAL_COLUMNS, TRAIN_COLUMNS, Feed, metrics_frame
from app.reading.run_costs import RunCosts, read_costs
from app.reading.run_index import RunIndex
from finegates.data.cells import cells_of
from finegates.data.columns import Columns, guess_columns
from finegates.data.report import DataReport, report_on
from finegates.data.sample import load_sample
from finegates.data.splits import load_splits
from finegates.data.user_files import read_frame
from finegates.errors import DataError, FineGatesError, RunError
from finegates.files.storage import LineReader
from finegates.gates.snapshots import Snapshot, load_snapshot, snapshot_path
from finegates.groups.store import Group, list_groups
from finegates.jobs import control as jobs
from finegates.machine.devices import Device, find_devices, matching_devices
from finegates.machine.devices import runs_at_once as at_once
from finegates.models.tokens import token_counts
from finegates.results import aggregate
from finegates.results.point import Point
from finegates.results.rows import group_rows, rows_of, threshold_rows
from finegates.runs.bin import BinnedRun, list_bin
from finegates.runs.folder import GATES_FOLDER, METRICS_FILE, Run, default_runs_dir, list_runs
from finegates.runs.launch import HERE, Launch, command_of_launch
from finegates.runs.status import Status
from finegates.spec import RunSpec

KEPT_FEEDS = 12
WAKE_EVERY_S = 10
DEVICES_KEPT_S = 10
"""Asking the GPU driver takes up to a second: too long for each change on a page."""
UPLOADS_FOLDER = ".uploads"
_FEEDS = "_feeds"


def runs_folder() -> Path:
    """The folder of all runs, as an absolute path."""
    return default_runs_dir().resolve()


def run_rows(folder: Path) -> list[dict[str, Any]]:
    """A row for each run, newest first; broken ones last. See `app.reading.run_index.RunIndex`."""
    return _index(folder).rows()


@st.cache_resource(max_entries=4, show_spinner=False)
def _index(folder: Path) -> RunIndex:
    return RunIndex(folder)


def binned(folder: Path) -> list[BinnedRun]:
    """Deleted runs, the last deleted first."""
    return list_bin(folder)


def groups(folder: Path) -> list[Group]:
    """Every group of runs, newest first; damaged ones last, with their ``problem``."""
    return list_groups(folder)


def points(
    folder: Path,
    rows: list[dict[str, Any]],
    groups: Sequence[Group] = (),
    *,
    thresholds: bool = False,
) -> list[Point]:
    """Medians over seeds of the runs of some groups, or of all finished ones.

    Args:
        folder: The runs folder.
        rows: From `run_rows`, of this moment.
        groups: The groups; without any, every run of the folder.
        thresholds: Also what was measured at thresholds.
    """
    done = {row["run"]: row for row in rows if row["status"] == "finished"}
    changed = tuple((name, _changed_ns(folder / name)) for name in sorted(done))
    if not groups:  # Streamlit's own hash of all of it is slow
        return _points_of_runs(folder, hash(changed), thresholds, done)
    ours = {run for group in groups for run in group.runs}
    changed = tuple(c for c in changed if c[0] in ours)
    return _points_of_groups(folder, tuple(groups), changed, thresholds)


@st.cache_data(max_entries=4, show_spinner=False)
def _points_of_runs(
    folder: Path, changed: int, thresholds: bool, _rows: dict[str, dict]
) -> list[Point]:
    rows = [row for name in sorted(_rows) for row in rows_of(Run(folder / name), _rows[name])]
    return aggregate.points(rows + (_at_thresholds(folder, rows) if thresholds else []))


@st.cache_data(max_entries=8, show_spinner=False, hash_funcs={Group: repr})
def _points_of_groups(
    folder: Path, groups: tuple[Group, ...], changed: tuple, thresholds: bool
) -> list[Point]:
    rows = [row for group in groups for row in group_rows(group, folder)]
    return aggregate.points(rows + (_at_thresholds(folder, rows) if thresholds else []))


def _at_thresholds(folder: Path, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    trained = [row for row in rows if row["kind"] == aggregate.TRAINED and row.get("run")]
    return [cut for row in trained for cut in threshold_rows(Run(folder / row["run"]), row)]


def costs(folder: Path, runs: Iterable[str]) -> dict[str, RunCosts]:
    """What was measured of each of these runs' cuts beside their score."""
    return _costs_of(folder, tuple((run, _changed_ns(folder / run)) for run in sorted({*runs})))


@st.cache_data(max_entries=4, show_spinner=False)
def _costs_of(folder: Path, changed: tuple) -> dict[str, RunCosts]:
    return {run: read_costs(Run(folder / run)) for run, _ in changed}


def _changed_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def run_status(run: Run) -> Status | None:
    """Where a run stands, or None while its status can't be read."""
    try:
        return run.status()
    except RunError:
        return None


def looks(folder: Path, runs: Sequence[str]) -> list[int]:
    """The look of each of these runs, by `app.curves.looks.look_numbers`."""
    here = (run.id for run in list_runs(folder))
    return look_numbers(runs, (*here, *(deleted.id for deleted in list_bin(folder))))


def feed(run: Run, refresh: bool = True, histograms: bool = True) -> Feed:
    """This session's reader of a run, brought up to date. Keeps the last few runs only.

    Args:
        run: The run.
        refresh: Read what is new; else only if nothing has been read before.
        histograms: Read the gates' histograms too.
    """
    feeds: dict[Path, Feed] = st.session_state.setdefault(_FEEDS, {})
    known = feeds.pop(run.path, None)
    current = known or Feed(run)
    feeds[run.path] = current
    while len(feeds) > KEPT_FEEDS:
        del feeds[next(iter(feeds))]
    if refresh or not known or (histograms and current.histograms is None):
        current.refresh(histograms)
    return current


def curves(run: Run) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What a run has logged so far, and its evaluations. `feed` is for runs that are watched."""
    path = run.path / METRICS_FILE
    try:
        found = path.stat()
    except OSError:
        return _curves_at(str(path), 0, 0)
    return _curves_at(str(path), found.st_mtime_ns, found.st_size)


@st.cache_data(max_entries=48, show_spinner=False)
def _curves_at(path: str, changed_ns: int, size: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = LineReader(Path(path)).read_new()
    return metrics_frame(rows, "train", TRAIN_COLUMNS), metrics_frame(rows, "eval", EVAL_COLUMNS)


def snapshot(run: Run, step: int) -> Snapshot:
    """The gates at a step.

    Raises:
        RunError: If there are none, or they are damaged.
    """
    path = snapshot_path(run.path / GATES_FOLDER, step)
    if not path.is_file():
        raise RunError(f"{run.id} has no gates at step {step}.")
    return _snapshot_at(str(path), path.stat().st_mtime_ns)


@st.cache_resource(max_entries=16, show_spinner=False)
def _snapshot_at(path: str, changed_ns: int) -> Snapshot:
    """Shared and not copied: a copy would forget the places of all vectors, at each repaint."""
    found = load_snapshot(Path(path))
    found.means.setflags(write=False)
    return found


def gated_runs(folder: Path) -> list[str]:
    """Ids of runs whose folder carries gate values, newest first."""
    return [run.id for run in list_runs(folder) if (run.path / GATES_FOLDER).is_dir()]


@st.cache_resource(ttl=WAKE_EVERY_S, max_entries=4, show_spinner=False)
def tend(folder: Path) -> None:
    """Sees to it that queued runs are started and lost jobs told; really asks now and then only."""
    jobs.tend(folder)


def devices() -> list[Device]:
    """Devices of this machine with the memory that is free, the ones that auto prefers first."""
    return found_devices()[0]


@st.cache_data(ttl=DEVICES_KEPT_S, max_entries=1, show_spinner=False)
def found_devices() -> tuple[list[Device], str]:
    """As `devices`, and why GPUs may be missing there; empty if the driver answered."""
    return find_devices()


@st.cache_data(max_entries=4, show_spinner=False)
def file_frame(path: str, changed_ns: int):
    """Rows of a user's file.

    Raises:
        DataError: If it can't be read.
    """
    return read_frame(Path(path))


@st.cache_data(max_entries=8, show_spinner=False)
def splits(spec: RunSpec, changed_ns: int):
    """Training and validation rows of a spec with only its data settings set.

    Raises:
        DataError: If the data can't be read, or can't be learned from.
    """
    return load_splits(spec)


@st.cache_data(max_entries=16, ttl=60, show_spinner=False)
def cost(spec: RunSpec, num_train: int, num_validation: int, mean_words: float, folder: Path):
    """What a run will cost, or None where that can't be said."""
    from finegates.jobs.estimate import estimate_cost

    try:
        return estimate_cost(spec, num_train, num_validation, mean_words, folder)
    except FineGatesError:
        return None


def runs_at_once(device: str) -> int:
    """How many runs may train at a time on the device that this name stands for."""
    try:
        return at_once(matching_devices(device, devices())[0].name)
    except (FineGatesError, IndexError):
        return 1


def command_line(spec: RunSpec, launch: Launch = HERE) -> str:
    """The shell command that does the same."""
    return shlex.join(command_of_launch(spec, launch))


@st.cache_data(max_entries=8, show_spinner=False)
def guessed_columns(path: str, changed_ns: int) -> tuple[list[str], Columns | None, str]:
    """The columns of a user's file, what each seems to be, and why that can't be said.

    Raises:
        DataError: If the file can't be read.
    """
    frame = file_frame(path, changed_ns)
    names = [str(name) for name in frame.columns]
    try:
        return names, guess_columns(frame), ""
    except DataError as error:
        return names, None, str(error)


def read_upload(path: Path) -> None:
    """Reads a file that has just been kept, for the pages that will show it.

    Raises:
        DataError: If it can't be read.
    """
    guessed_columns(str(path), path.stat().st_mtime_ns)


@st.cache_data(max_entries=4, show_spinner=False)
def data_report(spec: RunSpec, changed_ns: int) -> DataReport:
    """What is known of the rows of a file, or of the sample, before a run.

    Raises:
        DataError: If the file can't be read.
    """
    return report_on(data_frame(spec, changed_ns), spec)


def data_frame(spec: RunSpec, changed_ns: int):
    """The rows of a file as they are, or those of the sample.

    Raises:
        DataError: If the file can't be read.
    """
    return file_frame(spec.data, changed_ns) if spec.data else load_sample()


@st.cache_data(max_entries=8, show_spinner=False)
def data_rows(spec: RunSpec, changed_ns: int, numbers: tuple[int, ...]):
    """These rows of the data, counted from 1, with their number in front."""
    frame = data_frame(spec, changed_ns).iloc[[number - 1 for number in numbers]].copy()
    name = "row"
    while name in frame.columns:
        name += " "
    frame.insert(0, name, numbers)
    return frame


@st.cache_data(max_entries=8, show_spinner=False)
def data_tokens(spec: RunSpec, changed_ns: int, columns: Columns, most: int):
    """Tokens of each row for the spec's model, of at most this many rows drawn at random.

    Raises:
        FineGatesError: If the model's tokenizer is not on this machine.
    """
    frame = data_frame(spec, changed_ns)
    frame = frame.sample(min(len(frame), most), random_state=0)
    texts = [cells_of(frame[name]).tolist() for name in (columns.text, columns.pair) if name]
    return token_counts(spec.model, *texts)
