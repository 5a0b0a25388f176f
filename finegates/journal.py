"""What a worker writes into its run folder. The one writer of a run's files while it lives."""

import socket
import time
from dataclasses import replace
from typing import Any

import psutil

from finegates.accounting import Removal, histogram
from finegates.runs import GATES_FOLDER, HISTOGRAMS_FILE, METRICS_FILE, Run
from finegates.snapshots import Snapshot, save_snapshot
from finegates.status import PAUSE_FILE, STOP_FILE, Status, write_status
from finegates.storage import append_line

HEARTBEAT_S = 5.0


class Journal:
    """Writes a run's status, metrics, histograms and snapshots.

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

    def update(self, **changes: Any) -> None:
        """Changes the status and writes it, with a heartbeat."""
        self.status = replace(self.status, **changes, heartbeat=time.time())
        write_status(self.run.path, self.status)

    def beat(self) -> None:
        """Writes a heartbeat if the last one is some seconds old."""
        if time.time() - self.status.heartbeat > HEARTBEAT_S:
            self.update()

    def end(self, state: str, reason: str = "") -> None:
        """Writes the final state."""
        self.update(state=state, reason=reason, ended=time.time(), time_left_s=None)

    def metrics(self, kind: str, step: int, **values: Any) -> None:
        """Appends a line of metrics."""
        row = {"kind": kind, "step": step, "time": round(time.time(), 3), **values}
        append_line(self.run.path / METRICS_FILE, row)

    def histograms(self, snapshot: Snapshot) -> None:
        """Appends the histograms of all gate vectors."""
        counts = {k: histogram(v) for k, v in snapshot.layout.split(snapshot.values).items()}
        append_line(self.run.path / HISTOGRAMS_FILE, {"step": snapshot.step, "counts": counts})

    def gates(self, snapshot: Snapshot, *, last: bool) -> None:
        """Stores all gates; in full precision if they are the last."""
        save_snapshot(self.run.path / GATES_FOLDER, snapshot, full_precision=last)

    def stop_requested(self) -> bool:
        """Whether somebody asked for this run to stop."""
        return (self.run.path / STOP_FILE).exists()

    def pause_requested(self) -> bool:
        """Whether somebody asked for this run to wait."""
        return (self.run.path / PAUSE_FILE).exists() and not self.stop_requested()


def removal_fields(removal: Removal) -> dict[str, float | None]:
    """The two fractions of a removal, as metrics and status name them."""
    return {
        "closed_gates_fraction": removal.closed_gates_fraction,
        "removed_weights_fraction": removal.removed_weights_fraction,
    }
