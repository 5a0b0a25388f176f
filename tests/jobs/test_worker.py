"""Claims about one worker: it works alone, says how it ended, and leaves the process as it was."""

import os
import signal

import pytest
import torch
from filelock import FileLock

from finegates.errors import SpecError
from finegates.jobs import worker
from finegates.jobs.inputs import check_inputs
from finegates.jobs.worker import WORKER_LOCK, execute
from finegates.runs.folder import create_run, current_rows
from finegates.runs.provenance import cpu_model
from finegates.runs.status import STOP_FILE, Status, write_status
from finegates.spec import make_spec
from finegates.training.session import check_usable, make_accelerator


@pytest.fixture
def run(runs_dir, toy_model_dir):
    spec, data = check_inputs(
        make_spec(
            {
                "model": str(toy_model_dir),
                "max_train_samples": 32,
                "epochs": 1,
                "batch_size": 8,
                "device": "cpu",
                "precision": "fp32",
            }
        )
    )
    return create_run(spec, data, runs_dir)


def test_a_queued_run_is_trained_to_its_end(run):
    status = execute(run, "cpu")
    assert status.state == "finished"
    assert status == run.status()
    assert status.step == status.total_steps == 4
    assert (status.device, status.hardware) == ("cpu", cpu_model())


def test_progress_is_told_as_the_run_goes(run):
    steps: list[int] = []
    execute(run, "cpu", lambda journal: steps.append(journal.status.step))
    assert steps == sorted(steps) and steps[-1] == 4


@pytest.mark.parametrize("state", ["stopped", "finished", "failed"])
def test_a_run_that_is_over_before_its_worker_began_is_left_alone(run, state):
    write_status(run.path, Status(state, reason="why"))
    assert execute(run, "cpu") == run.status() == Status(state, reason="why")
    assert not (run.path / "metrics.jsonl").exists()


def test_a_run_that_another_process_works_on_is_left_alone(run):
    with FileLock(run.path / WORKER_LOCK):
        assert execute(run, "cpu").state == "queued"
    assert not (run.path / "metrics.jsonl").exists()


def test_a_stop_before_the_first_step_leaves_a_run_that_can_go_on(run):
    (run.path / STOP_FILE).touch()
    assert execute(run, "cpu").state == "stopped"
    (run.path / STOP_FILE).unlink()
    write_status(run.path, Status("queued"))
    assert execute(run, "cpu").state == "finished"
    rows = current_rows(run.metrics_reader().read_new())
    assert [row["step"] for row in rows if row["kind"] == "eval"] == [4]


def test_data_that_changed_since_the_run_was_made_is_refused(runs_dir, run, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "".join(f"Text {i}.,{'ny'[i % 2]}\n" for i in range(20)))
    spec, data = check_inputs(make_spec({"data": str(path), "model": run.spec.model}))
    own = create_run(spec, data, runs_dir)
    path.write_text(path.read_text().replace("Text 3", "Text three"))
    status = execute(own, "cpu")
    assert status.state == "failed"
    assert "has changed since the run was made" in status.reason


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError("CUDA out of memory. Tried 2 GiB\nmore"), "use a smaller batch_size"),
        (MemoryError(), "Out of memory"),
        (OSError(28, "No space left on device"), "The disk is full"),
        (RuntimeError("I/O error: No space left on device (os error 28)"), "The disk is full"),
        (ModuleNotFoundError("No module named 'peft'"), "A package is missing"),
        (ZeroDivisionError("by zero"), "Unexpected error, see the log: ZeroDivisionError: by zero"),
    ],
)
def test_an_error_of_ours_is_in_the_log_and_in_plain_words(run, monkeypatch, error, words):
    def fail(*asked):
        raise error

    monkeypatch.setattr(worker, "load_same_splits", fail)
    status = execute(run, "cpu")
    assert status.state == "failed"
    assert words in status.reason and "\n" not in status.reason
    assert "Traceback" in run.log_tail()


UNUSABLE, STOPPED = "install a CUDA build of torch and a driver", "resume once it works again"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("No CUDA GPUs are available", UNUSABLE),
        ("CUDA error: invalid device ordinal", UNUSABLE),
        ("CUDA driver version is insufficient for CUDA runtime version", UNUSABLE),
        ("Found no NVIDIA driver on your system. Please check", UNUSABLE),
        ("The NVIDIA driver on your system is too old (found version 11040).", UNUSABLE),
        ("CUDA error: no kernel image is available for execution on the device", UNUSABLE),
        ("CUDA error: unspecified launch failure\nCUDA kernel errors might be", STOPPED),
        ("CUDA error: uncorrectable ECC error encountered", STOPPED),
        ("CUDA error: the launch timed out and was terminated", STOPPED),
        ("CUDA error: all CUDA-capable devices are busy or unavailable", STOPPED),
        ("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm(", STOPPED),
        ("CUDA error: device-side assert triggered\nCompile with", "duplicate the run with device"),
        ("CUDA error: out of memory", "use a smaller batch_size"),
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling", "use a smaller batch_size"),
    ],
)
def test_what_is_wrong_with_a_gpu_is_said_with_what_to_do(tmp_path, said, words):
    reason = worker._in_plain_words(RuntimeError(said), tmp_path)
    assert words in reason and "\n" not in reason
    assert said.split("\n")[0] in reason


def test_torchs_own_words_for_memory_that_is_not_there_are_understood(tmp_path):
    with pytest.raises(RuntimeError) as raised:
        torch.empty(10**15)
    assert "Out of memory; use a smaller" in worker._in_plain_words(raised.value, tmp_path)
    error = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has")
    assert "Out of memory; use a smaller" in worker._in_plain_words(error, tmp_path)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this torch computes on a GPU")
def test_torchs_own_words_for_a_gpu_that_it_lacks_are_understood(tmp_path):
    with pytest.raises((AssertionError, RuntimeError)) as raised:
        torch.zeros(1, device="cuda:0")
    assert UNUSABLE in worker._in_plain_words(raised.value, tmp_path)


def test_a_run_on_a_gpu_that_torch_lacks_fails_in_words_and_trains_nowhere(run):
    status = execute(run, "cuda:63")
    assert status.state == "failed" and status.step == 0
    assert status.reason.startswith("torch can't compute on cuda:63; ")
    assert status.reason.endswith("or take device cpu.")
    assert "Traceback" not in run.log_tail()


def test_processes_without_their_gpus_do_not_train_on_the_cpu_instead(monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "0")  # as accelerate launch starts them
    with pytest.raises(SpecError, match="can't compute on cuda:62,cuda:63"):
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
        make_accelerator("cuda:62,cuda:63", "fp32")


@pytest.mark.parametrize(
    ("device", "launched", "seen", "words"),
    [
        ("cuda:1", False, 2, ""),
        ("cuda", False, 1, ""),
        ("cuda:5,cuda:3", True, 2, ""),
        ("cpu", False, 0, ""),
        ("cuda:1", False, 1, "sees 1 of the 2 GPUs"),
        ("cuda:5,cuda:3", True, 1, "sees 1 of the 2 GPUs"),
        ("cuda:0", False, 0, "finds no GPU: install an NVIDIA driver that fits torch's CUDA 12.8"),
    ],
)
def test_a_torch_with_cuda_is_asked_for_each_gpu(monkeypatch, device, launched, seen, words):
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    if launched:
        monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: seen > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: seen)
    if not words:
        return check_usable(device)
    with pytest.raises(SpecError, match=f"can't compute on {device}; .*{words}"):
        check_usable(device)


def test_a_signal_asks_for_a_stop_and_the_handlers_are_given_back(run):
    before = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)]

    def terminate(journal) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    spec_of_many_steps = make_spec({**run.spec.to_dict(), "epochs": 50})
    long = create_run(spec_of_many_steps, run.record["data"], run.path.parent)
    status = execute(long, "cpu", terminate)
    assert status.state == "stopped"
    assert status.step < status.total_steps
    assert [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)] == before
