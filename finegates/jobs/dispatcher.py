"""Starts queued runs in order, one at a time for each device, and ends when none is left.

Only the CPU takes more than one at a time, and only if ``FINEGATES_CPU_WORKERS`` says so where the
dispatcher is started; the runs then share its cores. The devices are looked up when a run is about
to start, so that ``auto`` is the GPU with the most free memory at that moment; a run that asks for
what this machine does not have is ended with the reason.

One dispatcher process for each runs folder; a file lock ensures that, and is free again the moment
its holder dies. Dispatcher and workers run in sessions of their own, so that neither a closed
page nor a stopped server ends them. Which workers are alive is read from the run folders.
"""

import contextlib
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from filelock import FileLock, Timeout

from finegates.errors import RunError
from finegates.files.read_only import check_may_change, read_only
from finegates.files.storage import write_json
from finegates.jobs.queue import StatusReader, queued_runs, statuses_of
from finegates.machine.devices import (
    CPU,
    Device,
    find_devices,
    matching_devices,
    place_for,
    runs_at_once,
    what_lacks,
    worker_environment,
)
from finegates.machine.processes import start_process
from finegates.runs.folder import LOG_FILE, Run
from finegates.runs.status import EXIT_FILE, Status, write_status

DISPATCHER_LOCK = ".dispatcher.lock"
DISPATCHER_LOG = ".dispatcher.log"
POLL_S = 0.25
TAKEOVER_WAIT_S = 5.0
"""A new dispatcher waits this long for the lock: the old one may be about to end."""
LOOK_AGAIN_S = 2.0
"""After a failed look at the devices the next run waits this long."""
FAILED_LOOKS = 3
"""After this many failures in a row the machine counts as one without GPUs; one may be chance."""

Workers = dict[Path, tuple[subprocess.Popen, str]]
"""Run folder -> its process, and the device it was given."""


@dataclass
class DeviceLookup:
    """This machine's devices, looked up again only when that decides something.

    Attributes:
        devices: Found by the last look, best first; none before the first.
        problem: Why GPUs may be missing there; empty if nvidia-smi answered.
    """

    devices: list[Device] = field(default_factory=list)
    problem: str = ""
    _num_failed: int = 0
    _next_look: float = 0.0

    def refresh(self) -> bool:
        """Looks, unless the last look has recently failed; whether its answer holds for GPUs."""
        if time.monotonic() < self._next_look:
            return False
        self.devices, self.problem = find_devices()
        self._num_failed = self._num_failed + 1 if self.problem else 0
        self._next_look = time.monotonic() + LOOK_AGAIN_S if self.problem else 0.0
        return not self.problem or self._num_failed >= FAILED_LOOKS


def start_dispatcher(runs_dir: Path) -> None:
    """Starts a dispatcher in the background; it soon ends if another one is running."""
    check_may_change("start a run")
    with open(runs_dir / DISPATCHER_LOG, "ab") as log:
        start_process(["dispatch", "--runs-dir", str(runs_dir)], log)


def wake_queue(runs_dir: Path) -> None:
    """Starts a dispatcher if runs wait and none is running, as after a restart of the machine.

    Does nothing in read-only mode: every open page calls this.
    """
    if read_only() or not queued_runs(statuses_of(runs_dir)):
        return
    try:
        with FileLock(runs_dir / DISPATCHER_LOCK, timeout=0):
            pass
    except Timeout:
        return
    start_dispatcher(runs_dir)


def dispatch(runs_dir: Path) -> None:
    """Starts queued runs until none is left and every worker it started has ended."""
    try:
        lock = FileLock(runs_dir / DISPATCHER_LOCK, timeout=TAKEOVER_WAIT_S).acquire()
    except Timeout:
        return
    workers: Workers = {}
    lookup, reader = DeviceLookup(), StatusReader(runs_dir)
    with lock:
        while True:
            _reap(workers)
            statuses = reader.read()
            waiting = [run for run in queued_runs(statuses) if run.path not in workers]
            if not waiting and not workers:
                return
            live = {run: status for run, status in statuses.items() if status.is_live}
            _place(waiting, lookup, live, workers)
            time.sleep(POLL_S)


def _place(
    waiting: Sequence[Run], lookup: DeviceLookup, statuses: Mapping[Run, Status], workers: Workers
) -> None:
    """Starts each run that a device is free for, and ends each that can never have one here.

    The devices are looked up only if one of the two is due by what is known of them.
    """

    def free(run: Run) -> str | None:
        return _free_device(run, lookup.devices, statuses, workers)

    if not any(free(run) or _lacks(run, lookup.devices) for run in waiting):
        return
    holds = lookup.refresh()
    for run in waiting:
        if not holds and run.spec.device != CPU:
            continue
        if device := free(run):
            workers[run.path] = (_start_worker(run, device), device)
        elif lacks := _lacks(run, lookup.devices):
            with contextlib.suppress(OSError, RunError):  # a full disk, or a deleted run
                _refuse(run, f"{lacks} {lookup.problem}".rstrip())


def _lacks(run: Run, devices: Sequence[Device]) -> str:
    return what_lacks(run.spec.device, run.spec.num_processes, devices)


def _refuse(run: Run, why: str) -> None:
    """Ends a queued run that this machine has no device for; it may resume where one exists."""
    status = run.status()
    if status.state == "queued":
        reason = f"{why} Resume it when that has changed, or duplicate it with another device."
        write_status(run.path, replace(status, state="failed", reason=reason, ended=time.time()))


def _free_device(
    run: Run, devices: Sequence[Device], statuses: Mapping[Run, Status], workers: Workers
) -> str | None:
    """A device with room for the run, or several with commas between."""
    here = socket.gethostname()
    at_work = {path: device for path, (_, device) in workers.items()}
    at_work |= {r.path: s.device for r, s in statuses.items() if s.is_live and s.host == here}
    busy = Counter(name for place in at_work.values() for name in place.split(","))
    wanted = matching_devices(run.spec.device, devices)
    free = [d for d in wanted if busy[d.name] < runs_at_once(d.name)]
    return place_for(run.spec.num_processes, free)


def _start_worker(run: Run, device: str) -> subprocess.Popen:
    with open(run.path / LOG_FILE, "ab") as log:
        words = ["worker", str(run.path), "--device", device]
        return start_process(words, log, worker_environment(device))


def _reap(workers: Workers) -> None:
    for path, (process, _) in list(workers.items()):
        if process.poll() is not None:
            if process.returncode and path.is_dir():
                with contextlib.suppress(OSError):  # a full disk: the other runs still need us
                    record_crash(Run(path), process)
            del workers[path]


def record_crash(run: Run, process: subprocess.Popen) -> None:
    """Keeps the exit code of a worker that did not end well.

    A run whose worker died before it wrote anything is ended; else it would be started forever.
    """
    write_json(run.path / EXIT_FILE, {"exit_code": process.returncode})
    status = run.status()
    if status.state == "queued" and status.pid != process.pid:
        reason = (
            f"The worker ended with exit code {process.returncode} before it began; see the log."
        )
        write_status(run.path, replace(status, state="failed", reason=reason, ended=time.time()))
