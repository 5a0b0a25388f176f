"""Carries out one run, in the foreground or as a process of its own; says how it ended."""

import contextlib
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator

from filelock import FileLock, Timeout

from finegates.data import load_splits
from finegates.errors import DataError, FineGatesError
from finegates.journal import Journal
from finegates.runs import Run
from finegates.status import STOP_FILE, Status

WORKER_LOCK = ".worker.lock"


def execute(
    run: Run, device: str, progress: Callable[[Journal], None] = lambda journal: None
) -> Status:
    """Trains a run and returns its final status. Only one process at a time works on a run.

    A defect of ours is written to the log with its traceback; the status says it in one line.

    Args:
        run: A queued run.
        device: Device to train on, as torch names it.
        progress: Called after every log.
    """
    try:
        lock = FileLock(run.path / WORKER_LOCK, timeout=0).acquire()
    except Timeout:
        return run.status()
    with lock, _stopping_on_signals(run):
        status = run.status()
        if status.state != "queued":  # stopped before it began, or done by another process
            return status
        journal = Journal(run, status)
        journal.update(state="starting", device=device)
        try:
            _train(journal, device, progress)
        except FineGatesError as error:
            journal.end("failed", str(error))
        except Exception as error:
            with open(run.log_path, "a") as log:
                traceback.print_exc(file=log)
            journal.end("failed", _in_plain_words(error))
        return journal.status


def _train(journal: Journal, device: str, progress: Callable[[Journal], None]) -> None:
    from finegates.train import train  # torch loads here: a waiting or refused run never pays it

    splits = load_splits(journal.run.spec)
    recorded = journal.run.record["data"].get("fingerprint")
    if recorded not in (None, splits.fingerprint):
        raise DataError(
            f"The data of {journal.run.id} has changed since the run was made (fingerprint "
            f"{splits.fingerprint[:12]}, recorded {recorded[:12]}); start a new run on it."
        )
    train(journal, splits, device, progress)


@contextlib.contextmanager
def _stopping_on_signals(run: Run) -> Iterator[None]:
    """SIGTERM and the first Ctrl+C ask for a stop; a second Ctrl+C interrupts."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask_to_stop(number: int, frame: object) -> None:
        print(f"Signal {number}: stopping after this step.", file=sys.stderr, flush=True)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with contextlib.suppress(OSError):
            (run.path / STOP_FILE).touch()

    before = {n: signal.signal(n, ask_to_stop) for n in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_plain_words(error: Exception) -> str:
    text = f"{type(error).__name__}: {str(error).strip()}".split("\n")[0]
    if "out of memory" in text.lower() or isinstance(error, MemoryError):
        return f"Out of memory; use a smaller batch_size or max_length. ({text})"
    if isinstance(error, OSError) and error.errno == 28:
        return f"The disk is full. ({text})"
    return f"Unexpected error, see the log: {text}"
