"""The state of a run: one small file, written by the run's worker alone, settled when it is read.

A worker that is gone can't write that it is gone. So a reader asks whether this host has a
process with the pid *and* the creation time of the status. On another host the heartbeat decides.
"""

import socket
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil

from finegates.errors import RunError
from finegates.files.storage import read_json, write_json
from finegates.runs.stop_request import STOP_FILE, read_stop
from finegates.settings import field_types

STATUS_FILE = "status.json"
EXIT_FILE = "exit.json"
PAUSE_FILE = "pause"

LIVE_STATES = ("starting", "running", "paused", "stopping")
RESUMABLE_STATES = ("stopped", "failed", "lost", "timed out", "preempted")
FINAL_STATES = ("finished", *RESUMABLE_STATES)
ACTIVE_STATES = ("queued", *LIVE_STATES)
STATES = (*ACTIVE_STATES, *FINAL_STATES)

HEARTBEAT_LIMIT_S = 120.0
_CREATION_TOLERANCE_S = 0.01


@dataclass(frozen=True)
class Status:
    """Where a run stands. Times are seconds since the epoch; fractions are in [0, 1].

    ``only_answer`` is what the model answered to every validation row when it was last scored;
    empty if it told rows apart. ``closes_once``: too short to learn its gates, as
    `finegates.models.short_runs` says. ``zero_weights_fraction``: of the target matrices, what is
    held at 0 and keeps its place; None where the method holds nothing so.
    """

    state: str = "queued"
    reason: str = ""
    step: int = 0
    total_steps: int = 0
    host: str = ""
    pid: int = 0
    process_created: float = 0.0
    heartbeat: float = 0.0
    started: float | None = None
    ended: float | None = None
    device: str = ""
    hardware: str = ""
    precision: str = ""
    metric: str = ""
    score: float | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    only_answer: str = ""
    majority_score: float | None = None
    reference_score: float | None = None
    closed_gates_fraction: float | None = None
    removed_weights_fraction: float | None = None
    counted_removed_fraction: float | None = None
    zero_weights_fraction: float | None = None
    num_gates: int = 0
    num_gated_weights: int = 0
    total_params: int = 0
    dense_params: int = 0
    stream_params: int = 0
    head_params: int = 0
    trainable_params: int = 0
    samples_per_s: float | None = None
    time_left_s: float | None = None
    memory_bytes: int | None = None
    closes_once: bool = False

    @property
    def is_live(self) -> bool:
        """Whether a worker is running it."""
        return self.state in LIVE_STATES

    @property
    def has_learned_nothing(self) -> bool:
        """Whether it still answers every row alike, late enough to call the training failed."""
        return bool(self.only_answer) and 2 * self.step >= self.total_steps

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen unless somebody resumes it."""
        return self.state in FINAL_STATES


def write_status(folder: Path, status: Status) -> None:
    """Replaces the status of a run."""
    write_json(folder / STATUS_FILE, asdict(status))


def read_status(folder: Path) -> Status:
    """The true state of a run, whatever became of its worker.

    Raises:
        RunError: If the file is missing or damaged.
    """
    return settle(folder, written_status(folder))


def written_status(folder: Path) -> Status:
    """The status as it was written last, whatever became of the worker since.

    Raises:
        RunError: If the file is missing or damaged.
    """
    return _parse(read_json(folder / STATUS_FILE), folder)


def settle(folder: Path, status: Status) -> Status:
    """What a status means now: a live state whose worker is gone is failed or lost."""
    if not status.is_live:
        return status
    if status.host != socket.gethostname():
        silent_s = time.time() - status.heartbeat
        if silent_s < HEARTBEAT_LIMIT_S:
            return _requested(folder, status)
        reason = f"No sign of life from {status.host} for {silent_s:.0f} s."
        return replace(status, state="lost", reason=reason, ended=status.heartbeat)
    if process_alive(status.pid, status.process_created):
        return _requested(folder, status)
    return _ended(folder, status)


def _ended(folder: Path, status: Status) -> Status:
    """As was asked for, if no error of its own ended the worker; else failed."""
    exit_code = _exit_code(folder)
    asked = read_stop(folder)
    if asked and asked.state in FINAL_STATES and (exit_code is None or exit_code <= 0):
        state, reason = asked.state, asked.killed_reason
    else:
        state, reason = "failed", _how_it_ended(status.pid, exit_code)
    reason = f"{reason} Last step: {status.step}."
    return replace(status, state=state, reason=reason, ended=status.heartbeat)


def process_alive(pid: int, created: float) -> bool:
    """Whether this very process lives: the same pid and the same creation time."""
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - created) < _CREATION_TOLERANCE_S
        return same and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, ValueError, TypeError, OverflowError):  # no such process, or no number
        return False


def _requested(folder: Path, status: Status) -> Status:
    stop_asked = (folder / STOP_FILE).exists()
    return replace(status, state="stopping") if stop_asked else status


def _exit_code(folder: Path) -> int | None:
    try:
        code = read_json(folder / EXIT_FILE).get("exit_code")
    except RunError:
        return None
    return code if isinstance(code, int) else None


def _how_it_ended(pid: int, exit_code: int | None) -> str:
    if exit_code == -9:
        return (
            f"The worker (pid {pid}) was killed by signal 9: by hand, or by the system for want "
            "of memory."
        )
    if exit_code is not None and exit_code < 0:
        return f"The worker (pid {pid}) was ended by signal {-exit_code}."
    if exit_code:
        return f"The worker (pid {pid}) ended with exit code {exit_code}; see the log."
    return f"The worker (pid {pid}) was killed or crashed without a word; see the log."


def _parse(content: dict[str, Any], folder: Path) -> Status:
    kinds = field_types(Status)
    known = {name: value for name, value in content.items() if name in kinds}
    for name, value in known.items():
        kind, optional = kinds[name]
        right = isinstance(value, (int, float) if kind is float else kind)
        if not right and not (optional and value is None):
            raise RunError(f"{folder.name}/{STATUS_FILE} is damaged: {name} is {value!r}.")
    status = Status(**known)
    if status.state not in STATES:
        raise RunError(f"{folder.name}/{STATUS_FILE} names an unknown state '{status.state}'.")
    return status
