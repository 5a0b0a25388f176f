"""The faults, one function each: it does the fault, and fails if anything was lost by it."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from finegates.cli import main
from finegates.jobs.control import signal_worker
from finegates.runs.folder import Run, current_rows, list_runs
from finegates.runs.status import LIVE_STATES
from tests.browser.server import Server, open_page
from tests.faults.garble import GARBLINGS, places, read_everything
from tests.faults.harness import (
    Bench,
    check_goes_on,
    check_sound,
    ended,
    finished,
    kill,
    work,
)
from tests.faults.inside import WRITES, ClockSetBack, DieInWrite, NoRights

RACING_RUNS = 30
READERS = 8
DISK_BYTES = 4 << 20


def worker_killed(bench: Bench, seed: int) -> None:
    """SIGKILL at a random moment."""
    chance, run = random.Random(seed), bench.new_run()
    process = work(run)
    _wait_until_begun(run)
    time.sleep(chance.random() * bench.seconds)
    kill(process)
    assert check_sound(run).state in ("failed", "finished", "queued")
    check_goes_on(bench, run)


def worker_killed_in_a_write(bench: Bench, seed: int) -> None:
    """SIGKILL in the middle of a checkpoint, snapshot, status or line, or between two renames."""
    chance, run = random.Random(seed), bench.new_run()
    ended(work(run, DieInWrite(WRITES[seed % len(WRITES)], chance.randint(1, 9))))
    check_sound(run)
    check_goes_on(bench, run)


def worker_terminated(bench: Bench, seed: int) -> None:
    """SIGTERM: the step is ended, the checkpoint written, the run stopped."""
    chance, run = random.Random(seed), bench.new_run()
    process = work(run)
    _wait_until_begun(run)
    time.sleep(chance.random() * bench.seconds)
    signal_worker(run, signal.SIGTERM)
    ended(process)
    assert check_sound(run).state in ("stopped", "finished")
    check_goes_on(bench, run)


def server_killed(bench: Bench, seed: int) -> None:
    """The dashboard starts a waiting run and is killed: the run goes on to its end."""
    folder = bench.runs_dir.parent / f"server{seed}"
    folder.mkdir()
    run, server = bench.new_run(folder / "all"), Server(folder)
    with mock.patch.dict(os.environ, OMP_NUM_THREADS="1"):  # as the reference's, to the last bit
        server.serve(folder / "all")
    try:
        open_page(server.port)
        _wait_until_begun(run)
        time.sleep(random.Random(seed).random() * bench.seconds)
    finally:
        server.kill()
    _wait_until(lambda: run.status().is_over)
    assert check_sound(run).state == "finished", run.status().reason
    check_goes_on(bench, run)


def disk_full(bench: Bench, seed: int) -> None:
    """The disk is full while it trains; there is room again, and it goes on."""
    chance = random.Random(seed)
    with _small_disk(bench.runs_dir.parent / f"disk{seed}") as disk:
        run, filler = bench.new_run(disk), disk / "filler"
        process = work(run)
        _wait_until_begun(run)
        time.sleep(chance.random() * bench.seconds * 0.7)
        _fill(filler, leave=chance.randint(0, 60_000))
        ended(process)
        status = check_sound(run)
        assert status.state == "finished" or "disk is full" in status.reason, status.reason
        filler.unlink()
        check_goes_on(bench, run)


def folder_made_read_only(bench: Bench, seed: int) -> None:
    """Nothing can be written any longer; then it can again, and the run goes on."""
    chance, run = random.Random(seed), bench.new_run()
    process = work(run, NoRights())
    _wait_until_begun(run)
    time.sleep(chance.random() * bench.seconds * 0.7)
    folders = [run.path, *(f for f in run.path.rglob("*") if f.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    ended(process)
    for folder in folders:
        folder.chmod(0o755)
    assert check_sound(run).state in ("failed", "finished")
    check_goes_on(bench, run)


def clock_set_back(bench: Bench, seed: int) -> None:
    """The clock falls back an hour while it trains: nothing is lost, nobody is called dead."""
    run = bench.new_run()
    process = work(run, ClockSetBack(random.Random(seed).randint(5, 60)))
    while process.is_alive():
        assert run.row()["status"] in ("queued", *LIVE_STATES, "finished"), run.row()["reason"]
        time.sleep(0.05)
    finished(run, process)
    check_goes_on(bench, run)


def servers_race(bench: Bench, seed: int, runs: int = RACING_RUNS) -> None:
    """Two dispatchers for one queue, the one at work killed: each run is trained exactly once."""
    folder = bench.runs_dir.parent / f"race{seed}"
    queue = [bench.new_run(folder) for _ in range(runs)]
    racing = [_dispatcher(folder) for _ in range(2)]
    _wait_until(lambda: any(r.status().state == "finished" for r in queue))
    for process in racing:
        if process.poll() is None:
            process.kill()  # its worker lives on
            break
    racing.append(_dispatcher(folder))
    _wait_until(lambda: all(r.status().is_over for r in queue), 60.0 + 15.0 * runs)
    for process in racing:
        process.wait(60)
    for run in queue:
        assert check_sound(run).state == "finished", run.status().reason
        rows = run.metrics_reader().read_new()
        assert len(rows) == len(current_rows(rows)), f"{run.id} was trained more than once"
    assert len(list_runs(folder)) == runs


def readers_beside_the_writer(bench: Bench, seed: int) -> None:
    """Eight processes read everything of a run again and again while it is written."""
    run = bench.new_run()
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]);"
        "from tests.faults.garble import read_until_over; read_until_over(Path(sys.argv[2]))"
    )
    words = [sys.executable, "-c", code, str(Path(__file__).parents[2]), str(run.path)]
    readers = [subprocess.Popen(words, stderr=subprocess.PIPE, text=True) for _ in range(READERS)]
    finished(run, work(run))
    for reader in readers:
        _, said = reader.communicate(timeout=120)
        assert reader.returncode == 0, said[-2000:]


def files_garbled(bench: Bench, seed: int) -> None:
    """A file of a run is cut short, overwritten, gone or a folder: it says so and nothing fails."""
    chance, folder = random.Random(seed), bench.runs_dir.parent / f"garbled{seed}"
    spoilt = Run(folder / bench.reference.id)
    place = places(bench.reference)[seed % len(places(bench.reference))]
    for name, garble in GARBLINGS.items():
        shutil.copytree(bench.reference.path, spoilt.path)
        garble(spoilt.path / place, chance)
        try:
            read_everything(spoilt)
            assert [run.id for run in list_runs(folder)] == [spoilt.id]
            assert main(["runs", "list", "--runs-dir", str(folder)]) == 0
        except Exception as error:
            raise AssertionError(f"{place}, {name}: {error!r}") from error
        finally:
            shutil.rmtree(spoilt.path)


FAULTS = {
    worker_killed: 50,
    worker_killed_in_a_write: 50,
    worker_terminated: 10,
    server_killed: 20,
    disk_full: 10,
    folder_made_read_only: 5,
    clock_set_back: 5,
    servers_race: 1,
    readers_beside_the_writer: 3,
    files_garbled: 24,
}
"""Each fault, and how often the long form does it."""


def _wait_until_begun(run: Run) -> None:
    _wait_until(lambda: run.status().state != "queued")


def _wait_until(condition, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


def _dispatcher(folder: Path) -> subprocess.Popen:
    words = [sys.executable, "-m", "finegates", "dispatch", "--runs-dir", str(folder)]
    environment = {**os.environ, "FINEGATES_CPU_WORKERS": "2"}
    return subprocess.Popen(words, env=environment, start_new_session=True)


@contextlib.contextmanager
def _small_disk(folder: Path) -> Iterator[Path]:
    """A disk in memory of a few megabytes, mounted for as long as it is used."""
    folder.mkdir()
    size = f"size={DISK_BYTES}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _fill(file: Path, leave: int) -> None:
    with open(file, "wb", buffering=0) as out, contextlib.suppress(OSError):
        while True:
            out.write(bytes(4096))
    os.truncate(file, max(0, file.stat().st_size - leave))
