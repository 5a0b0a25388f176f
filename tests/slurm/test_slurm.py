"""Runs on a real Slurm of one node: nothing is pretended but the size of the model."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from finegates.errors import SpecError
from finegates.groups.store import open_group
from finegates.groups.sweep import plan, start_sweep
from finegates.jobs import control as jobs
from finegates.jobs.launchers.slurm_client import details, my_jobs, seconds_of
from finegates.runs.folder import CHECKPOINT_FOLDER, RUNS_DIR_VARIABLE, Run
from finegates.runs.launch import Launch, SlurmSettings, read_launch
from finegates.runs.status import PAUSE_FILE, written_status
from finegates.spec import make_spec
from tests.slurm.start_slurm import INSTALL, lacking, slurm

HERE = Path(__file__).parent
LONGEST_WAIT_S = 240.0
STEP = 30
"""A run that something is done to is held at this step or later."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[dict[str, str]]:
    if missing := lacking():
        reason = f"Slurm is not installed ({', '.join(missing)} missing): {INSTALL}"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    with slurm() as variables:
        yield variables


@pytest.fixture
def runs_dir(runs_dir, cluster, monkeypatch) -> Path:
    """A runs folder of this test's own, whose jobs are gone when it ends."""
    given = {**cluster, "OMP_NUM_THREADS": "1", RUNS_DIR_VARIABLE: str(runs_dir)}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return runs_dir


def wait_until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + LONGEST_WAIT_S
    while not condition():
        assert time.monotonic() < deadline, f"waited too long: {what}"
        time.sleep(0.1)


def dashboard(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "tests.slurm.dashboard", *words], capture_output=True, text=True,
        cwd=HERE.parents[1],
    )  # fmt: skip


def say(run: Run, what: str) -> None:
    status = written_status(run.path)
    print(f"{time.strftime('%X')} {what}: {status.state}. {status.reason}", flush=True)


def scontrol(*words: str) -> None:
    subprocess.run(["scontrol", *words], check=True)


def job_of(run: Run) -> str:
    return read_launch(run.path).job_id


def state_of(run: Run) -> str:
    return run.status().state


def held(run: Run) -> Run:
    """Lets a run go on to a step and holds it there, alive."""
    wait_until(lambda: state_of(run) == "paused", f"{run.id} in the first step")
    jobs.pause(run, False)
    wait_until(lambda: run.status().step >= STEP, f"{run.id} at step {STEP}")
    jobs.pause(run, True)
    wait_until(lambda: state_of(run) == "paused", f"{run.id} paused")
    return run


def checkpoint_step(run: Run) -> int:
    return json.loads((run.path / CHECKPOINT_FOLDER / "state.json").read_bytes())["step"]


def resumed_at(run: Run) -> list[int]:
    rows = run.metrics_reader().read_new()
    return [row["step"] for row in rows if row["kind"] == "resumed"]


def start_six(runs_dir: Path, model: Path) -> list[Run]:
    """A sweep of six, started on a page whose process is killed right after it; none goes on."""
    address = {
        "name": "six", "methods": "finegates", "targets": "0.1,0.2,0.3",
        "seeds": "2", "max_train_samples": "64", "epochs": "12", "batch_size": "4",
        "eval_steps": "20",
    }  # fmt: skip
    ended = dashboard("sweep", str(model), *(f"{name}={value}" for name, value in address.items()))
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    runs = [Run(runs_dir / run_id) for run_id in open_group(runs_dir, "six").runs]
    for run in runs:
        (run.path / PAUSE_FILE).touch()
    assert len(runs) == 6
    return runs


def time_out(run: Run) -> None:
    """Takes away the job's time; Slurm itself then warns it and would kill it."""
    ran = seconds_of(details(job_of(run))["RunTime"])
    assert ran is not None
    scontrol("update", f"JobId={job_of(run)}", f"TimeLimit={int(ran // 60) + 2}")


@pytest.mark.slow
def test_a_sweep_of_six_with_everything_that_happens_on_a_cluster(runs_dir, toy_model_dir):
    runs = start_six(runs_dir, toy_model_dir)
    timed_out, stopped, killed, preempted, quiet, cancelled = runs
    queue = {job.job_id: job for job in my_jobs() or []}
    assert {job_of(run) for run in runs} <= queue.keys()
    assert all(queue[job_of(run)].name == run.id for run in runs)
    for run in runs:
        assert "#SBATCH --time=5" in read_launch(run.path).sbatch

    # taken from the queue by somebody else: only Slurm can tell
    subprocess.run(["scancel", job_of(cancelled)], check=True)

    # out of time: saved, requeued (and later resumed)
    held(timed_out)
    time_out(timed_out)

    # stopped: the request alone does it, and the checkpoint stays
    held(stopped)
    status = jobs.stop(stopped)
    say(stopped, "stopped")
    assert (status.state, status.reason) == ("stopped", "Stopped by you.")
    assert checkpoint_step(stopped) >= status.step >= STEP  # told every few steps

    # killed: the worker alone, as for want of memory
    pid = held(killed).status().pid
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: written_status(killed.path).state == "failed", "the kill is written")
    say(killed, "killed")
    assert "was killed by signal 9" in killed.status().reason

    wait_until(lambda: written_status(timed_out.path).state == "queued", "out of time")
    say(timed_out, "timed out")
    assert timed_out.status().reason.startswith("Timed out; saved and requeued, and may run out")
    at = checkpoint_step(timed_out)
    assert at >= STEP
    scontrol("update", f"JobId={job_of(timed_out)}", "TimeLimit=10")
    (timed_out.path / PAUSE_FILE).unlink()

    # preempted: Slurm's signal long before the limit
    held(preempted)
    subprocess.run(["scancel", "--signal=USR2", job_of(preempted)], check=True)
    wait_until(lambda: written_status(preempted.path).state == "queued", "preempted")
    say(preempted, "preempted")
    assert preempted.status().reason.startswith("Preempted; saved and requeued.")
    saved = checkpoint_step(preempted)
    (preempted.path / PAUSE_FILE).unlink()
    (quiet.path / PAUSE_FILE).unlink()

    # another dashboard tells all of it from the folders
    jobs.tend(runs_dir)
    wait_until(lambda: jobs.tend(runs_dir) or state_of(cancelled) == "failed", "the cancellation")
    say(cancelled, "cancelled in the queue")
    assert f"job {job_of(cancelled)} is CANCELLED" in cancelled.status().reason
    answer = dashboard("live", killed.id, stopped.id, cancelled.id)
    assert answer.returncode == 0, answer.stderr
    said = json.loads(answer.stdout)
    assert "was killed by signal 9" in said[killed.id]
    assert "Stopped by you" in said[stopped.id] and "was stopped" in said[stopped.id]
    assert "is CANCELLED" in said[cancelled.id]
    for run in (killed, stopped, cancelled):
        assert "#SBATCH --signal=USR2@75" in said[run.id] and job_of(run) in said[run.id]

    for run in (quiet, timed_out, preempted):
        wait_until(lambda run=run: state_of(run) == "finished", f"{run.id} finished")
        say(run, "went on")
    assert set(resumed_at(timed_out)) == {at}  # on a slow machine it may run out of time twice
    assert resumed_at(preempted) == [saved]
    assert resumed_at(quiet) == []
    wait_until(lambda: my_jobs() == [], "no job is left")


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong", [{"partition": "none"}, {"cpus": 64}, {"memory_gb": 512.0}, {"gpus": 1}]
)
def test_what_slurm_refuses_is_said_before_anything_is_made(runs_dir, toy_model_dir, wrong):
    spec = make_spec({"model": str(toy_model_dir), "max_train_samples": 16})
    launch = Launch("slurm", SlurmSettings(**{"cpus": 1, **wrong}))
    with pytest.raises(SpecError, match="Slurm refuses such a run: .*sinfo"):
        jobs.submit(spec, runs_dir, launch=launch)
    with pytest.raises(SpecError, match="Slurm refuses such a run"):
        start_sweep(runs_dir, "s", {"model": spec.model}, plan(["full"], [], [0]), launch)
    assert list(runs_dir.iterdir()) == [] and my_jobs() == []
