"""Claims about a run in several processes: it is the run of one, and starts and ends as one."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from accelerate import Accelerator
from accelerate.commands.launch import launch_command_parser
from accelerate.utils.other import get_free_port
from torch import distributed, multiprocessing

from finegates.cli import main
from finegates.errors import FineGatesError, SpecError
from finegates.jobs import control as jobs
from finegates.jobs.inputs import check_inputs
from finegates.jobs.worker import execute
from finegates.machine.accelerate import launch_words
from finegates.machine.processes import start_process
from finegates.runs.folder import CHECKPOINT_FOLDER, Run, create_run
from finegates.spec import RunSpec, make_spec
from finegates.training.distributed import Processes
from tests.live_runs import finish, held, processes_of, state_of, wait_until
from tests.toy_models import save_toy_language_model

DEVICES = "cuda:2,cuda:0,cuda:5"


@pytest.fixture
def spec(toy_model_dir) -> RunSpec:
    """A run without dropout, the only noise that processes do not have in common."""
    return make_spec(
        {
            "model": str(toy_model_dir),
            "max_train_samples": 90,  # five batches of 16, and one that is not full
            "epochs": 4,
            "batch_size": 16,
            "dropout": 0.0,
            "kurtosis_weighting": True,
            "num_processes": 2,
            "device": "cpu",
            "precision": "fp32",
        }
    )


def alone(spec: RunSpec, runs_dir: Path) -> Run:
    """The same run in one process, which is this one."""
    run = create_run(*check_inputs(replace(spec, num_processes=1)), runs_dir)
    assert execute(run, "cpu").state == "finished", run.status().reason
    return run


def check_same(run: Run, other: Run) -> None:
    """Losses, penalties, scores and gates are those of the other run, to rounding."""
    pairs = zip(*(r.metrics_reader().read_new() for r in (run, other)), strict=True)
    for mine, theirs in pairs:
        for name in ("kind", "step", "current_target", "score", "removed_weights_fraction"):
            assert mine.get(name) == theirs.get(name), (mine["step"], name)
        for name in ("loss", "task_loss", "penalty", "expected_removed"):
            if mine.get(name) is not None:
                assert mine[name] == pytest.approx(theirs[name], abs=1e-4), (mine["step"], name)
    np.testing.assert_allclose(run.snapshot().means, other.snapshot().means, atol=1e-4)


@pytest.mark.slow
def test_two_processes_train_the_run_of_one(live_dir, spec, tmp_path):
    whole = replace(spec, max_train_samples=96)  # every batch is full
    run = jobs.submit(whole, live_dir)
    reference = alone(whole, tmp_path)
    finish(run)
    check_same(run, reference)
    assert run.status().device == "cpu"
    assert run.row()["trainable_params"] == reference.row()["trainable_params"]
    assert "2 processes" not in run.log_tail(), "nothing was said to differ"


@pytest.mark.slow
def test_two_processes_stop_together_and_go_on(live_dir, spec):
    run = jobs.submit(spec, live_dir)
    step = held(run, after_step=5).step
    assert len(processes_of(live_dir)) == 4, "a dispatcher, who waits, and two that train"
    status = jobs.stop(run)
    assert (status.state, status.reason) == ("stopped", "Stopped by you.")
    checkpoint = json.loads((run.path / CHECKPOINT_FOLDER / "state.json").read_bytes())
    assert step <= checkpoint["step"] < status.total_steps
    wait_until(lambda: not processes_of(live_dir))
    jobs.resume(run)
    finish(run)
    steps = [row["step"] for row in run.metrics_reader().read_new() if row["kind"] == "train"]
    assert steps[-1] == run.status().total_steps
    assert run.row()["removed_weights_fraction"] == pytest.approx(spec.target_sparsity, abs=0.005)


@pytest.mark.slow
@pytest.mark.parametrize("main", [True, False])
def test_a_killed_process_ends_the_run_and_all_of_its_processes(live_dir, spec, main):
    run = jobs.submit(spec, live_dir)
    status = held(run, after_step=5)
    workers = [p for p in processes_of(live_dir) if os.getsid(p.pid) == p.pid]
    trains = {p.pid: p for p in workers if "LOCAL_RANK" in p.environ()}
    assert status.pid in trains and len(trains) == 2
    other = next(pid for pid in trains if pid != status.pid)
    jobs.pause(run, False)
    os.kill(status.pid if main else other, signal.SIGKILL)
    wait_until(lambda: run.status().is_over)
    psutil.wait_procs(trains.values(), timeout=60)
    assert state_of(run) == "failed"
    expected = "killed by signal 9" if main else "Another process of this run has ended"
    wait_until(lambda: expected in run.status().reason or not processes_of(live_dir))
    assert expected in run.status().reason


@pytest.mark.slow
def test_a_run_that_was_stopped_before_it_began_keeps_no_process_waiting(live_dir, spec):
    run = create_run(*check_inputs(spec), live_dir)
    jobs.stop(run)
    with open(run.log_path, "ab") as log:
        worker = start_process(["worker", str(run.path), "--device", "cpu"], log)
    assert worker.wait(timeout=60) != 0
    assert run.status().reason == "Stopped by you before it started."


def _in_step(index: int, port: int) -> None:
    os.environ.update(
        RANK=str(index), LOCAL_RANK=str(index), WORLD_SIZE="2", LOCAL_WORLD_SIZE="2",
        MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), OMP_NUM_THREADS="1",
    )  # fmt: skip
    processes = Processes(Accelerator(cpu=True))
    assert (processes.count, processes.index) == (2, index)
    asked = []
    for answer in (True, False):
        decided = processes.main_decides(lambda answer=answer: asked.append(1) or answer)
        assert decided is answer
    assert len(asked) == (2 if index == 0 else 0), "only the main process is asked"
    assert processes.mean({"a": float(index), "b": 3.0}) == {"a": 0.5, "b": 3.0}
    processes.check_alike("gates", torch.arange(5.0))
    with pytest.raises(FineGatesError, match="gates differ between the 2 processes"):
        processes.check_alike("gates", torch.arange(5.0) + 1e-6 * index)
    distributed.destroy_process_group()


@pytest.mark.slow
def test_what_keeps_processes_in_step():
    multiprocessing.spawn(_in_step, (get_free_port(),), nprocs=2)


def test_a_single_process_has_nobody_to_ask():
    processes = Processes(Accelerator(cpu=True))
    assert processes.count == 1
    assert processes.main_decides(lambda: True) and not processes.main_decides(lambda: False)
    assert processes.mean({"a": 2.0}) == {"a": 2.0}
    processes.check_alike("gates", torch.ones(3))


@pytest.mark.parametrize(
    ("device", "visible", "gpus", "threads"),
    [
        ("cpu", None, "all", "2"),
        (DEVICES, None, "2,0,5", "2"),
        (DEVICES, "", "2,0,5", "2"),
        (DEVICES, "7,6, 5,4,3,2", "5,7,2", "2"),
        ("cuda:1,cuda:0", "GPU-aa,GPU-bb", "GPU-bb,GPU-aa", "3"),
    ],
)
def test_accelerate_is_told_all_it_would_ask_for(monkeypatch, device, visible, gpus, threads):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    processes = 3 if device == "cpu" else len(device.split(","))
    monkeypatch.setattr("finegates.machine.accelerate.num_cores", lambda: 6)
    words = launch_words(Path("/runs/a run"), device, processes)
    told = launch_command_parser().parse_args(words)
    assert (told.num_processes, told.gpu_ids, told.multi_gpu) == (processes, gpus, True)
    assert str(told.num_cpu_threads_per_process) == threads
    assert told.module and told.training_script == "finegates"
    assert told.training_script_args == ["worker", "/runs/a run", "--device", device]


def test_a_batch_has_to_divide_among_the_processes():
    with pytest.raises(SpecError, match="batch_size is 32 and num_processes 3"):
        RunSpec(num_processes=3)
    assert RunSpec(num_processes=4).batch_size == 32


def test_a_training_launched_from_outside_says_how_it_is_done(monkeypatch, runs_dir, capsys):
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert main(["train", "--device", "cpu", "--runs-dir", str(runs_dir)]) == 2
    assert "start it alone, with --num-processes N" in capsys.readouterr().err
    assert list(runs_dir.iterdir()) == []


@pytest.mark.slow
def test_two_processes_weigh_the_tokens_of_a_language_model_as_one(live_dir, tmp_path):
    data, lengths = tmp_path / "pairs.jsonl", (1, 7, 2, 5, 3)
    rows = [{"prompt": "anna makes", "answer": "tea " * lengths[i % 5]} for i in range(40)]
    data.write_text("\n".join(map(json.dumps, rows)))
    spec = make_spec(
        {
            "task": "instructions", "data": str(data), "max_length": 16, "method": "lora",
            "model": str(save_toy_language_model(tmp_path / "model")), "batch_size": 8,
            "epochs": 3, "num_processes": 2, "device": "cpu", "precision": "fp32",
            "teacher": "base",
        }
    )  # fmt: skip
    run = jobs.submit(spec, live_dir)
    reference = alone(spec, tmp_path / "alone")
    finish(run)
    assert run.status().majority_score == pytest.approx(reference.status().majority_score)
    pairs = zip(*(r.metrics_reader().read_new() for r in (run, reference)), strict=True)
    for mine, theirs in pairs:
        for name in ("score", "loss", "task_loss"):
            if mine.get(name) is not None:
                assert mine[name] == pytest.approx(theirs[name], rel=1e-4), (mine["step"], name)
