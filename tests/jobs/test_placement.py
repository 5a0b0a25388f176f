"""Claims about where the dispatcher puts a run: on what is free when it starts, or nowhere."""

import re
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
import pytest

from finegates.jobs import dispatcher
from finegates.machine import nvidia
from finegates.runs.folder import Run, create_run
from finegates.runs.status import Status, write_status
from finegates.spec import make_spec
from tests.fake_nvidia import ALWAYS, FakeNvidia


@pytest.fixture
def gpus(tmp_path, monkeypatch) -> FakeNvidia:
    return FakeNvidia(tmp_path / "smi", monkeypatch)


@dataclass
class Started:
    """Runs in the order of their start, and the device that each was given."""

    places: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    then: Callable[[], None] = lambda: None


@pytest.fixture
def started(monkeypatch) -> Started:
    """Workers that end their run at once, and go themselves after some seconds."""
    noted = Started()

    def start(arguments: list[str], log: object, environment: dict) -> subprocess.Popen:
        run = Run(Path(arguments[1]))
        noted.places[run.id] = arguments[3]
        write_status(run.path, Status("finished"))
        noted.then()
        return subprocess.Popen(["sleep", str(noted.seconds)])

    monkeypatch.setattr(dispatcher, "start_process", start)
    monkeypatch.setattr(dispatcher, "LOOK_AGAIN_S", 0.05)
    return noted


def queue(runs_dir: Path, device: str = "auto", **settings) -> Run:
    return create_run(make_spec({"device": device, **settings}), {"fingerprint": "0"}, runs_dir)


def at_work_on(runs_dir: Path, device: str) -> Run:
    """A run that this very process would be training."""
    me, run = psutil.Process(), queue(runs_dir, device)
    status = Status(
        "running", host=socket.gethostname(), pid=me.pid,
        process_created=me.create_time(), heartbeat=time.time(), device=device,
    )  # fmt: skip
    write_status(run.path, status)
    return run


def test_auto_is_the_gpu_with_the_most_free_memory_when_the_run_starts(runs_dir, gpus, started):
    gpus.shows(10_000, 20_000)
    other = at_work_on(runs_dir, "cuda:0")
    first, second = queue(runs_dir), queue(runs_dir)

    def another_program_takes_memory() -> None:
        write_status(other.path, Status("finished"))
        gpus.shows(30_000, 5_000)

    started.then = another_program_takes_memory
    dispatcher.dispatch(runs_dir)
    assert started.places == {first.id: "cuda:1", second.id: "cuda:0"}


def test_the_driver_is_asked_at_a_start_and_not_while_a_run_waits(runs_dir, gpus, started):
    gpus.shows(10_000)
    runs, started.seconds = [queue(runs_dir) for _ in range(2)], 1.0
    dispatcher.dispatch(runs_dir)
    assert started.places == dict.fromkeys((run.id for run in runs), "cuda:0")
    assert gpus.num_calls == 2


@pytest.mark.parametrize(
    ("shown", "settings", "words"),
    [
        ([9], {"device": "cuda:1"}, "device 'cuda:1' is not on .*; there are: auto, cuda:0, cpu."),
        ([], {"device": "cuda"}, "device 'cuda' is not on this machine; there are: auto, cpu."),
        ([9, 9], {"device": "cuda", "num_processes": 4}, "num_processes is 4, .* has 2 here"),
    ],
)
def test_a_run_whose_device_is_gone_fails_and_says_what_there_is(
    runs_dir, gpus, started, shown, settings, words
):
    gpus.shows(*shown)
    gone, other = queue(runs_dir, **settings), queue(runs_dir, "cpu")
    dispatcher.dispatch(runs_dir)
    assert list(started.places) == [other.id]
    status = gone.status()
    assert status.state == "failed" and status.ended
    advice = "Resume it when that has changed, or duplicate it with another device."
    assert re.search(words, status.reason) and status.reason.endswith(advice)


def test_a_resumed_run_whose_device_is_gone_keeps_its_step(runs_dir, gpus, started):
    gpus.shows(9)
    run = queue(runs_dir, "cuda:3")
    write_status(run.path, replace(run.status(), step=70, started=1.0))
    dispatcher.dispatch(runs_dir)
    assert (run.status().state, run.status().step) == ("failed", 70)


def test_a_busy_device_is_not_a_device_that_is_gone(runs_dir, gpus, started):
    gpus.shows(9, 9)
    lookup, run = dispatcher.DeviceLookup(), queue(runs_dir, "cuda:1")
    pair = queue(runs_dir, "cuda", num_processes=2)
    busy = at_work_on(runs_dir, "cuda:1")
    workers: dispatcher.Workers = {}
    dispatcher._place([run, pair], lookup, {busy: busy.status()}, workers)
    assert not workers and {run.status().state, pair.status().state} == {"queued"}


@pytest.mark.parametrize("device", ["auto", "cuda", "cuda:0"])
def test_one_failed_lookup_fails_no_run_and_sends_none_to_the_cpu(runs_dir, gpus, started, device):
    gpus.shows(9)
    gpus.fails(dispatcher.FAILED_LOOKS - 1)
    run = queue(runs_dir, device)
    dispatcher.dispatch(runs_dir)
    assert started.places == {run.id: "cuda:0"}
    assert gpus.num_calls == dispatcher.FAILED_LOOKS


def test_a_lookup_that_hangs_once_fails_no_run(runs_dir, gpus, monkeypatch):
    gpus.hangs()
    monkeypatch.setattr(nvidia, "ANSWER_S", 0.2)
    lookup, run = dispatcher.DeviceLookup(), queue(runs_dir, "cuda:0")
    dispatcher._place([run], lookup, {}, {})
    assert lookup.problem == "nvidia-smi did not answer within 0.2 s."
    assert run.status().state == "queued"


def test_a_driver_that_is_broken_for_good_is_said_and_leaves_the_cpu(runs_dir, gpus, started):
    gpus.fails(ALWAYS)
    bound, free, plain = queue(runs_dir, "cuda:0"), queue(runs_dir), queue(runs_dir, "cpu")
    dispatcher.dispatch(runs_dir)
    assert list(started.places) == [plain.id, free.id], "the CPU does not wait for the driver"
    assert set(started.places.values()) == {"cpu"}
    assert bound.status().state == "failed"
    assert "nvidia-smi failed (exit code 18): Failed to initialize NVML" in bound.status().reason


def test_a_failed_look_is_not_repeated_at_every_poll(gpus, monkeypatch):
    gpus.fails(ALWAYS)
    monkeypatch.setattr(dispatcher, "LOOK_AGAIN_S", 60.0)
    lookup = dispatcher.DeviceLookup()
    assert [lookup.refresh() for _ in range(5)] == [False] * 5
    assert gpus.num_calls == 1
