"""Carries out one run, in the foreground or in a process of its own; records how it ended."""

import contextlib
import gc
import shutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from finegates.data.splits import load_same_splits
from finegates.errors import FineGatesError, RunError
from finegates.gates.counting import TIME
from finegates.methods import METHODS
from finegates.runs.folder import GATES_FOLDER, Run
from finegates.runs.journal import FULL, Journal, SilentJournal
from finegates.runs.layer_times import read_layer_times, write_layer_times
from finegates.runs.status import STATUS_FILE, STOP_FILE, Status

WORKER_LOCK = ".worker.lock"
RESERVE_FILE = ".reserve"
RESERVE_BYTES = 1 << 16
"""Held while a run trains, so that even on a full disk its end can be recorded."""
_PEER_GONE = ("Connection closed by peer", "Connection reset by peer", "DistBackendError")
# Words in errors of torch, CUDA and the system, in lower case.
_OUT_OF_MEMORY = (
    "out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory",
    "cublas_status_alloc_failed",
)  # fmt: skip
_GPU_UNUSABLE = (
    "no cuda gpus are available", "torch not compiled with cuda", "found no nvidia driver",
    "driver version is insufficient", "nvidia driver on your system is too old",
    "invalid device ordinal", "no cuda-capable device", "no kernel image is available",
    "driver initialization failed",
)  # fmt: skip
_GPU_REFUSED = "device-side assert"
_GPU_FAILED = ("cuda error", "cuda driver error", "cublas_status", "cudnn_status", "cudnn error")


def execute(
    run: Run, device: str, progress: Callable[[Journal], None] = lambda journal: None
) -> Status:
    """Trains a run and returns its final status. Only one process at a time works on a run.

    An unexpected error is written to the log with its traceback; the status has it in one line.

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
        _clear_parts(run.path)
        journal = Journal(run, status)
        try:
            with _reserve(run.path):
                journal.update(state="starting", device=device)
                _train(journal, device, progress)
        except FineGatesError as error:
            journal.end("failed", str(error))
        except Exception as error:
            with contextlib.suppress(OSError), open(run.log_path, "a") as log:
                traceback.print_exc(file=log)
            journal.end("failed", _in_plain_words(error, run.path))
        return journal.status


def assist(run: Run, device: str) -> None:
    """Trains a run next to its main process, as one of several that ``accelerate launch`` starts.

    Raises:
        RunError: If there is nothing left to do, for example if it was stopped before it began.
        Exception: Whatever ends it; the main process records it in the run's folder, if it can.
    """
    status = run.status()
    if status.is_over:
        raise RunError(f"{run.id} is {status.state}; there is nothing to assist.")
    for number in (signal.SIGTERM, signal.SIGINT):  # the main process handles them for all
        signal.signal(number, signal.SIG_IGN)
    _train(SilentJournal(run, status), device, lambda journal: None)


def _clear_parts(folder: Path) -> None:
    """Removes what a killed worker left half written, but not what a page may be writing."""
    for pattern in (f".{STATUS_FILE}.*.part", f"{GATES_FOLDER}/.*.part"):
        for part in folder.glob(pattern):
            part.unlink(missing_ok=True)


@contextlib.contextmanager
def _reserve(folder: Path) -> Iterator[None]:
    reserve = folder / RESERVE_FILE
    reserve.write_bytes(bytes(RESERVE_BYTES))
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            reserve.unlink(missing_ok=True)


def _train(journal: Journal, device: str, progress: Callable[[Journal], None]) -> None:
    with _nothing_collected():
        from finegates.training.loop import train  # a waiting or refused run loads no torch

    run = journal.run
    counts_time = run.spec.budget_counts == TIME and METHODS[run.spec.method].removes
    if counts_time and read_layer_times(run.path) is None:
        _measure_layers(run, device)
    splits = load_same_splits(run.id, run.spec, run.record["data"].get("fingerprint"))
    train(journal, splits, device, progress)


def _measure_layers(run: Run, device: str) -> None:
    from finegates.measuring.candidates import config_of
    from finegates.measuring.layer_times import layer_times

    spec = run.spec
    times = layer_times(
        config_of(spec.model), device, batch_size=spec.budget_batch_size,
        length=spec.budget_length, language_model=spec.is_language,
    )  # fmt: skip
    write_layer_times(run.path, times)


@contextlib.contextmanager
def _nothing_collected() -> Iterator[None]:
    """Freezes the garbage collector after the imports, so that it never scans their objects."""
    if "torch" in sys.modules:
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()


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


def _in_plain_words(error: Exception, folder: Path) -> str:
    text = f"{type(error).__name__}: {str(error).strip()}".split("\n")[0]
    said = text.lower()
    if any(words in said for words in _OUT_OF_MEMORY) or isinstance(error, MemoryError):
        return f"Out of memory; use a smaller batch_size or max_length. ({text})"
    if advice := _about_gpu(said):
        return f"{advice} ({text})"
    if _is_disk_full(error, folder):
        return f"The disk is full. Make room and resume; what was saved is kept. ({text})"
    if any(word in text for word in _PEER_GONE):
        return f"Another process of this run has ended; the log says why. ({text})"
    if isinstance(error, ImportError):
        return f"A package is missing or damaged: install the requirements again. ({text})"
    return f"Unexpected error, see the log: {text}"


def _about_gpu(said: str) -> str:
    """What to do about a GPU that can't be used or failed; empty if the error is not about one."""
    if any(words in said for words in _GPU_UNUSABLE):
        return (
            "torch can't use this GPU: install a CUDA build of torch and a driver that fit it and "
            "resume, or duplicate the run with another device."
        )
    if _GPU_REFUSED in said:
        return (
            "The GPU refused a value that the run computed with: duplicate the run with device "
            "cpu, whose log says which."
        )
    if any(words in said for words in _GPU_FAILED):
        return (
            "The GPU stopped working, or another program holds it: resume once it works again "
            "(nvidia-smi shows its state), or duplicate the run with another device; what was "
            "saved is kept."
        )
    return ""


def _is_disk_full(error: Exception, folder: Path) -> bool:
    """Whether the disk is full; libraries that write tensors report it in other words, or not."""
    if isinstance(error, OSError) and error.errno in FULL:
        return True
    if "No space left" in str(error):
        return True
    writes = isinstance(error, OSError | RuntimeError)
    return writes and shutil.disk_usage(folder).free <= 2 * RESERVE_BYTES
