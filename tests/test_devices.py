"""Claims about devices: how many runs one takes, and how workers on the CPU share its cores."""

import os

import pytest

from finegates import devices
from finegates.devices import (
    CPU_WORKERS_VARIABLE,
    Device,
    cpu_workers,
    place_for,
    runs_at_once,
    worker_environment,
)
from finegates.errors import SpecError
from finegates.inputs import check_device


@pytest.mark.parametrize(("given", "number"), [(None, 1), ("", 1), ("1", 1), (" 3 ", 3)])
def test_the_cpu_takes_one_run_unless_more_are_allowed(monkeypatch, given, number):
    monkeypatch.delenv(CPU_WORKERS_VARIABLE, raising=False)
    if given is not None:
        monkeypatch.setenv(CPU_WORKERS_VARIABLE, given)
    assert cpu_workers() == runs_at_once("cpu") == number


@pytest.mark.parametrize("device", ["cuda:0", "cuda:1", "mps"])
def test_nothing_but_the_cpu_ever_takes_more_than_one(monkeypatch, device):
    monkeypatch.setenv(CPU_WORKERS_VARIABLE, "4")
    assert runs_at_once(device) == 1
    assert worker_environment(device) == {}


@pytest.mark.parametrize("given", ["0", "-1", "two", "1.5", "1,2", "²", "٣x"])
def test_nonsense_is_refused_before_a_run_is_made(monkeypatch, given):
    monkeypatch.setenv(CPU_WORKERS_VARIABLE, given)
    with pytest.raises(SpecError, match=f"{CPU_WORKERS_VARIABLE} is '{given}'.*at least 1"):
        check_device("cpu")


@pytest.mark.parametrize(
    ("workers", "cores", "threads"), [(2, 8, "4"), (3, 8, "2"), (4, 2, "1"), (2, 2, "1")]
)
def test_workers_share_the_cores_and_never_ask_for_more(monkeypatch, workers, cores, threads):
    monkeypatch.setenv(CPU_WORKERS_VARIABLE, str(workers))
    monkeypatch.setattr(devices, "num_cores", lambda: cores)
    assert worker_environment("cpu") == {"OMP_NUM_THREADS": threads}


def test_a_worker_alone_is_left_to_torch(monkeypatch):
    monkeypatch.delenv(CPU_WORKERS_VARIABLE, raising=False)
    assert worker_environment("cpu") == {}


def test_cores_are_those_that_this_process_may_use():
    assert 1 <= devices.num_cores() <= (os.cpu_count() or 1)


def machine(*names: str) -> list[Device]:
    return [Device(name, name, 1 << 30) for name in names]


@pytest.mark.parametrize(
    ("names", "num_processes", "place"),
    [
        (["cuda:1", "cuda:0"], 1, "cuda:1"),
        (["cuda:1", "cuda:0", "cuda:2"], 2, "cuda:1,cuda:0"),
        (["cuda:1"], 2, None),
        (["cpu"], 1, "cpu"),
        (["cpu"], 2, "cpu"),
        (["mps"], 2, None),
        ([], 1, None),
        ([], 2, None),
    ],
)
def test_each_process_has_a_gpu_of_its_own_or_shares_the_cpu(names, num_processes, place):
    assert place_for(num_processes, machine(*names)) == place


def test_more_processes_than_gpus_are_refused_before_a_run_is_made(monkeypatch):
    monkeypatch.setattr(devices, "list_devices", lambda: machine("cuda:0", "cpu"))
    check_device("auto", 1)
    check_device("cpu", 8)
    with pytest.raises(SpecError, match="num_processes is 2.*device 'auto' has 1 here.*device cpu"):
        check_device("auto", 2)
