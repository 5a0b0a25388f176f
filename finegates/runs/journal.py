"""What a worker writes into its run folder. The one writer of a run's files while it lives."""

import errno
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psutil

from finegates.files.storage import append_line
from finegates.gates.removal import Removal, histogram
from finegates.gates.snapshots import Snapshot, save_snapshot
from finegates.runs.folder import GATES_FOLDER, HISTOGRAMS_FILE, METRICS_FILE, Run
from finegates.runs.status import PAUSE_FILE, Status, write_status
from finegates.runs.stop_request import STOP_FILE, StopRequest, read_stop

HEARTBEAT_S = 5.0
FULL = (errno.ENOSPC, errno.EDQUOT)


class Journal:
    """Writes a run's status, metrics, histograms and snapshots.

    An error in writing what only shows how training goes never stops it: it is said once in the
    run's log. A full disk does, because then the result could not be kept either.

    Attributes:
        status: What was written last.
    """

    def __init__(self, run: Run, status: Status | None = None) -> None:
        self.run = run
        process = psutil.Process()
        self.status = replace(
            status or Status(),
            host=socket.gethostname(),
            pid=process.pid,
            process_created=process.create_time(),
            started=(status.started if status else None) or time.time(),
            ended=None,
            reason="",
        )
        self._said: set[str] = set()

    def update(self, **changes: Any) -> None:
        """Changes the status and writes it, with a heartbeat."""
        self.status = replace(self.status, **changes, heartbeat=time.time())
        self._tell("status", lambda: write_status(self.run.path, self.status))

    def beat(self) -> None:
        """Writes a heartbeat if the last one is some seconds old."""
        if abs(time.time() - self.status.heartbeat) > HEARTBEAT_S:  # a clock may be set back
            self.update()

    def end(self, state: str, reason: str = "") -> None:
        """Writes the last state, which may be ``queued`` again; this one has to be written."""
        now = time.time()
        ended = None if state == "queued" else now
        self.status = replace(
            self.status, state=state, reason=reason, ended=ended, time_left_s=None, heartbeat=now
        )
        write_status(self.run.path, self.status)

    def metrics(self, kind: str, step: int, **values: Any) -> None:
        """Appends a line of metrics."""
        row = {"kind": kind, "step": step, "time": round(time.time(), 3), **values}
        self._tell("metrics", lambda: append_line(self.run.path / METRICS_FILE, row))

    def histograms(self, snapshot: Snapshot) -> None:
        """Appends the histograms of all gate vectors."""
        counts = {k: histogram(v) for k, v in snapshot.layout.split(snapshot.values).items()}
        row = {"step": snapshot.step, "counts": counts}
        self._tell("histograms", lambda: append_line(self.run.path / HISTOGRAMS_FILE, row))

    def gates(self, snapshot: Snapshot, *, last: bool) -> None:
        """Stores all gates; the last in full precision, and these have to be stored."""
        folder = self.run.path / GATES_FOLDER
        if last:
            save_snapshot(folder, snapshot, full_precision=True)
        else:
            self._tell("gates", lambda: save_snapshot(folder, snapshot, full_precision=False))

    def _tell(self, what: str, write: Callable[[], object]) -> None:
        try:
            write()
        except OSError as error:
            if error.errno in FULL:
                raise
            if what not in self._said:
                self._said.add(what)
                print(f"Training goes on, but {what} can't be written: {error}.", file=sys.stderr)

    def end_as_asked(self, step: int) -> None:
        """Writes the state that the request to stop asks for."""
        asked = read_stop(self.run.path) or StopRequest()
        self.end(asked.state, asked.reason if asked.by_user else f"{asked.reason} Step {step}.")

    def stop_requested(self) -> bool:
        """Whether somebody asked for this run to stop."""
        return (self.run.path / STOP_FILE).exists()

    def pause_requested(self) -> bool:
        """Whether somebody asked for this run to wait."""
        return (self.run.path / PAUSE_FILE).exists() and not self.stop_requested()


class SilentJournal(Journal):
    """What the other processes of a run have in its place: it writes nothing."""

    def end(self, state: str, reason: str = "") -> None:
        """Keeps the state."""
        self.status = replace(self.status, state=state, reason=reason)

    def gates(self, snapshot: Snapshot, *, last: bool) -> None:
        """Nothing: the main process stores them."""

    def _tell(self, what: str, write: Callable[[], object]) -> None:
        pass


def removal_fields(removal: Removal) -> dict[str, float | None]:
    """The two fractions of a removal, as metrics and status name them."""
    return {
        "closed_gates_fraction": removal.closed_gates_fraction,
        "removed_weights_fraction": removal.removed_weights_fraction,
    }
