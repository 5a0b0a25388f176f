"""Claims about devices: which there are, how many runs one takes, and how workers share the CPU."""

import os

import pytest

from finegates.cli import main
from finegates.errors import SpecError
from finegates.jobs.inputs import check_device
from finegates.machine import devices, nvidia
from finegates.machine.devices import (
    CPU_WORKERS_VARIABLE,
    Device,
    cpu_workers,
    find_devices,
    list_devices,
    place_for,
    runs_at_once,
    worker_environment,
)
from tests.fake_nvidia import ALWAYS, H100, FakeNvidia


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
    assert "OMP_NUM_THREADS" not in worker_environment(device)


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


# GPUs, of a program in the place of nvidia-smi


@pytest.fixture
def gpus(tmp_path, monkeypatch) -> FakeNvidia:
    return FakeNvidia(tmp_path / "smi", monkeypatch)


def test_the_gpu_with_the_most_free_memory_comes_first_and_the_cpu_last(gpus):
    gpus.shows(10_000, 79_000)
    first, second, cpu = list_devices()
    assert first == Device("cuda:1", H100, 79_000 * 2**20)
    assert first.description == "NVIDIA H100 80GB HBM3, 77 GiB free"
    assert (second.name, cpu.name) == ("cuda:0", "cpu")
    assert cpu.description.startswith("CPU, ") and cpu.description.endswith(" free")


@pytest.mark.parametrize(
    ("visible", "seen"),
    [
        (None, "ABC"),
        ("2,0", "CA"),
        (" 1 , 2 ", "BC"),
        ("", ""),
        ("-1", ""),
        ("0,-1,2", "A"),
        ("1,7,0", "B"),
        ("NoDevFiles", ""),
        ("1,1", ""),
        ("GPU-22-af,GPU-00", "CA"),
        ("GPU-11-af,nonsense,GPU-00-af", "B"),
        ("GPU-", ""),
        ("GPU-11,0", "B"),
        ("0,GPU-11", "A"),
        ("MIG-5f5b2f9a-8a2d-5c39-a9a5-7c2ab1b3b8c9", ""),
    ],
)
def test_gpus_are_those_that_cuda_shows_numbered_as_cuda_does(gpus, monkeypatch, visible, seen):
    gpus.shows(("A", 30), ("B", 20), ("C", 10))
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    found = {device.name: device.hardware for device in list_devices()[:-1]}
    assert found == {f"cuda:{number}": name for number, name in enumerate(seen)}


def test_a_lost_gpu_is_not_offered_and_moves_no_number(gpus):
    gpus.shows(("A", "[GPU is lost]"), ("B", 20))
    assert [device.name for device in list_devices()] == ["cuda:1", "cpu"]


def test_a_gpu_without_memory_of_its_own_has_the_machines(gpus):
    gpus.shows(("NVIDIA GB10", "[N/A]"))
    gpu, cpu = list_devices()
    assert gpu.name == "cuda:0" and gpu.free_bytes == cpu.free_bytes > 0


def test_a_tool_that_answers_nothing_means_no_gpu_and_no_problem(gpus, monkeypatch):
    gpus.shows()
    found, problem = find_devices()
    assert [device.name for device in found] == ["cpu"] and not problem
    monkeypatch.setenv("PATH", "/nonexistent")
    assert find_devices()[1] == "" and gpus.num_calls == 1


def test_a_tool_that_fails_is_told_apart_from_one_that_lists_no_gpu(gpus):
    gpus.fails(ALWAYS)
    found, problem = find_devices()
    assert [device.name for device in found] == ["cpu"]
    assert problem.startswith("nvidia-smi failed (exit code 18): Failed to initialize NVML")
    with pytest.raises(SpecError, match="'cuda' is not on this machine; .*auto, cpu. nvidia-smi f"):
        check_device("cuda")
    assert [device.name for device in check_device("auto")] == ["cpu"]


def test_a_tool_that_hangs_is_not_waited_for(gpus, monkeypatch):
    gpus.hangs()
    monkeypatch.setattr(nvidia, "ANSWER_S", 0.2)
    assert find_devices()[1] == "nvidia-smi did not answer within 0.2 s."


def test_workers_number_gpus_as_nvidia_smi_does_unless_the_user_chose(monkeypatch):
    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)
    assert worker_environment("cuda:1,cuda:0") == {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    assert worker_environment("cpu") == worker_environment("mps") == {}
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "FASTEST_FIRST")
    assert worker_environment("cuda:0") == {}


def test_a_device_that_is_not_here_is_refused_with_those_that_are(gpus, capsys, runs_dir):
    gpus.shows(9, 9)
    assert main(["train", "--device", "cuda:9", "--runs-dir", str(runs_dir)]) == 2
    said = capsys.readouterr().err
    assert "device 'cuda:9' is not on this machine; there are: auto, cuda:0, cuda:1, cpu." in said


def test_more_processes_than_gpus_are_refused_before_a_run_is_made(gpus):
    gpus.shows(9)
    check_device("auto", 1)
    check_device("cpu", 8)
    with pytest.raises(SpecError, match="num_processes is 2.*device 'auto' has 1 here.*device cpu"):
        check_device("auto", 2)
