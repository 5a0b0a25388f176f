"""The run folder: made whole or not at all, read while it is written, never rewritten.

    spec.json         everything needed to repeat the run; written once
    status.json       where it stands; replaced by its worker
    metrics.jsonl     a line for each log, evaluation and resumption; appended by its worker
    histograms.jsonl  gate values of every gate vector on fixed bins; appended by its worker
    gates/            a snapshot of all gates for each evaluation (`finegates.gates.snapshots`)
    trained/          trained weights other than gates, when finished (safetensors)
    checkpoint/       what resuming needs; replaced at each evaluation
    run.log           what the worker printed
    predictions.safetensors  answers to the validation rows (`finegates.runs.predictions`)
    curve.json        scores of the finished run at other cuts (`finegates.runs.measurements`)
    launch.json       who starts it, if that is not this machine (`finegates.runs.launch`)
    notes.json        what the user calls it and says of it (`finegates.runs.notes`)
    stop, pause       requests to the worker

The format is documented in ``docs/run-folder.md``.
"""

import os
import re
import secrets
import shlex
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from finegates.errors import FineGatesError, RunError, SpecError, unknown_name
from finegates.files.links import check_no_links
from finegates.files.storage import LineReader, read_json, read_tail, write_json
from finegates.gates.snapshots import Snapshot, load_snapshot, snapshot_path, snapshot_steps
from finegates.runs.label_errors import ERRORS
from finegates.runs.launch import HERE, Launch, command_of_launch, write_launch
from finegates.runs.names import data_name, describe
from finegates.runs.notes import read_notes, rename_run
from finegates.runs.provenance import own_settings, recorded_versions
from finegates.runs.status import Status, read_status, write_status
from finegates.spec import RunSpec

FORMAT_VERSION = 1
SPEC_FILE = "spec.json"
METRICS_FILE = "metrics.jsonl"
HISTOGRAMS_FILE = "histograms.jsonl"
LOG_FILE = "run.log"
GATES_FOLDER = "gates"
CHECKPOINT_FOLDER = "checkpoint"
TRAINED_FOLDER = "trained"
CURVE_FILE = "curve.json"
RUNS_DIR_VARIABLE = "FINEGATES_RUNS_DIR"
BROKEN = "broken"

_RECORD_KEYS = ("created", "command", "versions", "data", "spec")
_NAMES_SHOWN = 20
RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")  # a file name of 255 bytes at most


@dataclass(frozen=True)
class Run:
    """A run folder, read."""

    path: Path

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.path.name

    @cached_property
    def record(self) -> dict[str, Any]:
        """All of ``spec.json``.

        Raises:
            RunError: If it is missing, damaged or of another format version, or the folder holds a
                link.
        """
        check_no_links(self.path)
        record = read_json(self.path / SPEC_FILE)
        if record.get("format_version") != FORMAT_VERSION:
            raise RunError(
                f"{self.id} has format version {record.get('format_version')!r}; this program "
                f"reads version {FORMAT_VERSION}. Update finegates."
            )
        if missing := [key for key in _RECORD_KEYS if key not in record]:
            raise RunError(f"{self.id}/{SPEC_FILE} is damaged: it has no {', '.join(missing)}.")
        return record

    @cached_property
    def spec(self) -> RunSpec:
        """What the run was asked to do."""
        try:
            return RunSpec(**self.record["spec"])
        except (TypeError, SpecError) as error:
            what = str(error).rstrip(".")
            raise RunError(
                f"{self.id}/{SPEC_FILE} does not hold a run's settings: {what}."
            ) from error

    def status(self) -> Status:
        """Where the run stands now."""
        return read_status(self.path)

    @property
    def log_path(self) -> Path:
        """What the worker printed."""
        return self.path / LOG_FILE

    def metrics_reader(self) -> LineReader:
        """An incremental reader of the metrics; pass its rows through `current_rows`."""
        return LineReader(self.path / METRICS_FILE)

    def histograms_reader(self) -> LineReader:
        """An incremental reader of the histograms; where steps fall back, a resumed run begins."""
        return LineReader(self.path / HISTOGRAMS_FILE)

    def snapshot_steps(self) -> list[int]:
        """Steps whose gates are stored."""
        folder = self.path / GATES_FOLDER
        return [] if folder.is_symlink() else snapshot_steps(folder)

    def snapshot(self, step: int | None = None) -> Snapshot:
        """The gates at a step; the newest if none is given.

        Raises:
            RunError: If there is none, or it is damaged.
        """
        steps = self.snapshot_steps()
        if not steps:
            raise RunError(f"{self.id} has no gates yet; the first come with its first evaluation.")
        if step is not None and step not in steps:
            raise RunError(f"{self.id} has no gates at step {step}; it has steps {steps}.")
        return load_snapshot(
            snapshot_path(self.path / GATES_FOLDER, steps[-1] if step is None else step)
        )

    def log_tail(self, num_bytes: int = 8000) -> str:
        """The end of the log, at most this many bytes of it."""
        return read_tail(self.log_path, num_bytes)

    def row(self) -> dict[str, Any]:
        """The run in one line, as the tables and the command line show it; never raises."""
        try:
            return _row(self)
        except FineGatesError as error:
            return {
                **dict.fromkeys(ROW_KEYS),
                "run": self.id,
                "name": self.id,
                "status": BROKEN,
                "reason": str(error),
            }


_SPEC_KEYS = ("task", "method", "model", "seed", "epochs")
_DATA_KEYS = ("source", "fingerprint", "num_train")
_STATUS_KEYS = (
    "reason", "metric", "score", "majority_score", "reference_score", "closed_gates_fraction",
    "removed_weights_fraction", "trainable_params", "total_params", "num_gates",
    "num_gated_weights", "step", "total_steps", "samples_per_s", "time_left_s", "device",
    "precision", "started", "ended",
)  # fmt: skip
ROW_KEYS = (
    "run", "name", "data_name", "status", *_SPEC_KEYS, "target_fraction", *_DATA_KEYS, "settings",
    *_STATUS_KEYS, *ERRORS, "created", "command",
)  # fmt: skip


def _row(run: Run) -> dict[str, Any]:
    status, spec = run.status(), run.spec
    values = {
        "run": run.id,
        "status": status.state,
        "target_fraction": spec.target_sparsity,
        "settings": own_settings(spec),
        "created": run.record["created"],
        "command": run.record["command"],
    }
    values |= {key: getattr(spec, key) for key in _SPEC_KEYS}
    values |= {key: run.record["data"].get(key) for key in _DATA_KEYS}
    values |= {key: getattr(status, key) for key in _STATUS_KEYS}
    values |= {key: status.metrics.get(key) for key in ERRORS}
    values["data_name"] = data_name(spec.task, values["source"])
    values["name"] = own_name(run) or describe(values)
    return {key: values[key] for key in ROW_KEYS}


def own_name(run: Run) -> str:
    """What the user calls a run; empty without a name, or where its notes can't be read."""
    try:
        return read_notes(run.path).name
    except RunError:
        return ""


def current_rows(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows without those that a later resumption did again.

    A resumed run appends ``{"kind": "resumed", "step": s}``: what came before it with a larger
    step has been lost with the process and is trained again.
    """
    kept: list[dict[str, Any]] = []
    for row in rows:
        step = row.get("step")
        if not isinstance(step, int):
            continue
        if row.get("kind") == "resumed":
            kept = [k for k in kept if k["step"] <= step]
        else:
            kept.append(row)
    return kept


def default_runs_dir() -> Path:
    """``FINEGATES_RUNS_DIR``, else ``cached_runs`` of the checkout, else of this folder."""
    if given := os.environ.get(RUNS_DIR_VARIABLE):
        return Path(given)
    checkout = Path(__file__).resolve().parents[2] / "cached_runs"
    return checkout if checkout.is_dir() else Path("cached_runs")


def new_run_id(spec: RunSpec) -> str:
    """An id that no run has. Later ones sort behind earlier ones, by the microsecond."""
    method = spec.method.replace("+", "-")  # a plus in an address means a blank
    now = datetime.now(UTC)
    return f"{now:%Y%m%d-%H%M%S-%f}-{spec.task}-{method}-{secrets.token_hex(4)}"


def create_run(
    spec: RunSpec,
    data: Mapping[str, Any],
    runs_dir: Path,
    command: Sequence[str] | None = None,
    run_id: str | None = None,
    launch: Launch = HERE,
    name: str = "",
) -> Run:
    """Makes a queued run: the folder appears with its spec and status in it, or not at all.

    Args:
        spec: What to do. Check it, its data and its model before.
        data: What the run says of its data: source, fingerprint, labels, number of rows.
        runs_dir: Folder of all runs; made if missing.
        command: The command line that repeats the run; made from the spec if not given.
        run_id: One from `new_run_id`, where it has to be known before; made if not given.
        launch: Who is to start it.
        name: What the user calls it, see `finegates.runs.notes.rename_run`.
    """
    id = run_id or new_run_id(spec)
    record = {
        "format_version": FORMAT_VERSION,
        "run": id,
        "created": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "command": shlex.join(command or command_of_launch(spec, launch)),
        "versions": recorded_versions(),
        "data": dict(data),
        "spec": spec.to_dict(),
    }
    runs_dir.mkdir(parents=True, exist_ok=True)
    partial = runs_dir / f".{id}.part"
    partial.mkdir()
    try:
        write_json(partial / SPEC_FILE, record)
        write_launch(partial, launch)
        if name.strip():
            rename_run(partial, name)
        write_status(partial, Status(heartbeat=time.time()))
        partial.rename(runs_dir / id)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return Run(runs_dir / id)


def list_runs(runs_dir: Path) -> list[Run]:
    """Every run folder, newest first by name; damaged ones too."""
    if not runs_dir.is_dir():
        return []
    folders = [e.name for e in os.scandir(runs_dir) if e.is_dir() and RUN_ID.fullmatch(e.name)]
    return [Run(runs_dir / name) for name in sorted(folders, reverse=True)]


def open_run(runs_dir: Path, run_id: str) -> Run:
    """A run by its id.

    Raises:
        RunError: If there is no such run (the closest id is named), or its folder holds a link.
    """
    if RUN_ID.fullmatch(run_id) and (runs_dir / run_id).is_dir():
        check_no_links(runs_dir / run_id)
        return Run(runs_dir / run_id)
    names = [run.id for run in list_runs(runs_dir)]
    if not names:
        raise RunError(f"There is no run '{run_id}': {runs_dir} holds no runs.")
    raise RunError(unknown_name("run", run_id, names, shown=_NAMES_SHOWN))
