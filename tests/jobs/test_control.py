"""Claims about background runs: they hang on nobody, wait their turn, and can be stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

from finegates.cli import main
from finegates.errors import RunError, SpecError
from finegates.groups.store import open_group
from finegates.jobs import control as jobs
from finegates.jobs import dispatcher
from finegates.jobs.inputs import check_inputs
from finegates.jobs.launchers import local
from finegates.jobs.queue import queued_runs, statuses_of
from finegates.machine import devices
from finegates.machine.devices import CPU_WORKERS_VARIABLE, list_devices
from finegates.results.aggregate import group_points
from finegates.runs.folder import (
    CHECKPOINT_FOLDER,
    Run,
    create_run,
    current_rows,
    list_runs,
    new_run_id,
)
from finegates.runs.status import EXIT_FILE, FINAL_STATES, STOP_FILE, Status, write_status
from finegates.spec import RunSpec, make_spec
from tests.live_runs import (
    LONGEST_WAIT_S,
    dispatchers_of,
    finish,
    held,
    state_of,
    wait_until,
)


@pytest.fixture
def spec(toy_model_dir) -> RunSpec:
    """A run of about a second beside the start of its process."""
    return make_spec(
        {
            "model": str(toy_model_dir),
            "max_train_samples": 64,
            "epochs": 10,
            "batch_size": 4,
            "eval_steps": 20,
            "device": "cpu",
            "precision": "fp32",
        }
    )


@pytest.fixture
def short(spec) -> RunSpec:
    return replace(spec, epochs=1, batch_size=32, eval_steps=None)


# With real processes


@pytest.mark.slow
def test_submitted_runs_finish_by_themselves_one_after_the_other(live_dir, short):
    runs = [jobs.submit(replace(short, seed=seed), live_dir) for seed in (1, 2)]
    finish(*runs)
    first, second = (run.status() for run in runs)
    assert first.started < first.ended <= second.started < second.ended
    assert first.pid != second.pid
    assert (first.device, second.device) == ("cpu", "cpu")
    rows = runs[0].metrics_reader().read_new()
    assert {"train", "eval"} == {row["kind"] for row in rows}
    assert runs[0].snapshot().step == first.total_steps


@pytest.mark.slow
def test_a_launched_run_lives_on_when_who_launched_it_is_killed(live_dir, short):
    settings = ["--model", short.model, "--max-train-samples", "64", "--epochs", "1"]
    words = ["launch", *settings, "--device", "cpu", "--runs-dir", str(live_dir)]
    code = (
        f"import os, signal; from finegates.cli import main; main({words}); "
        "os.killpg(os.getpid(), signal.SIGKILL)"
    )
    launcher = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert launcher.returncode == -signal.SIGKILL
    (run,) = list_runs(live_dir)
    assert launcher.stdout == f"{run.id}\n"
    finish(run)


@pytest.mark.slow
def test_a_stopped_run_keeps_its_checkpoint_and_goes_on_from_it(live_dir, spec):
    run = jobs.submit(spec, live_dir)
    step = held(run, after_step=30).step
    with pytest.raises(RunError, match="only a stopped, failed or lost run can resume"):
        jobs.resume(run)
    asked = time.monotonic()
    status = jobs.stop(run)
    assert time.monotonic() - asked < 10
    assert (status.state, status.reason) == ("stopped", "Stopped by you.")
    checkpoint = json.loads((run.path / CHECKPOINT_FOLDER / "state.json").read_bytes())
    assert step <= checkpoint["step"] < status.total_steps
    jobs.resume(run)
    finish(run)
    rows = run.metrics_reader().read_new()
    assert [row["step"] for row in rows if row["kind"] == "resumed"] == [checkpoint["step"]]
    assert run.status().total_steps == status.total_steps == run.status().step


@pytest.mark.slow
def test_a_killed_worker_has_failed_with_the_reason_and_can_go_on(live_dir, spec):
    run = jobs.submit(spec, live_dir)
    status = held(run, after_step=30)
    os.kill(status.pid, signal.SIGKILL)
    wait_until(lambda: (run.path / EXIT_FILE).exists())
    assert state_of(run) == "failed"
    assert "killed by signal 9" in run.status().reason
    assert "Last step:" in run.status().reason
    jobs.resume(run)
    jobs.pause(run, False)
    finish(run)
    assert run.status().reason == ""
    steps = [
        r["step"] for r in current_rows(run.metrics_reader().read_new()) if r["kind"] == "train"
    ]
    assert steps == sorted(set(steps)), "no step counts twice"
    assert steps[-1] == run.status().total_steps


@pytest.mark.slow
def test_a_new_dispatcher_takes_over_the_queue_and_waits_for_the_orphan(live_dir, short):
    first, second = (jobs.submit(short, live_dir) for _ in range(2))
    orphan = held(first)
    killed = dispatchers_of(live_dir)
    for process in killed:
        process.kill()
    psutil.wait_procs(killed, LONGEST_WAIT_S)  # a dying process has no words but still its lock
    assert (state_of(first), state_of(second)) == ("paused", "queued")
    dispatcher.wake_queue(live_dir)
    wait_until(lambda: dispatchers_of(live_dir))
    time.sleep(4 * dispatcher.POLL_S + 1.0)
    assert (state_of(first), state_of(second)) == ("paused", "queued")
    jobs.pause(first, False)
    finish(first, second)
    assert first.status().pid == orphan.pid
    assert first.status().ended <= second.status().started


@pytest.mark.slow
def test_a_worker_that_does_not_listen_is_killed_and_was_stopped_by_you(
    live_dir, spec, monkeypatch
):
    monkeypatch.setattr(local, "KILL_GRACE_S", 0.5)
    run = jobs.submit(spec, live_dir)
    status = held(run)
    os.kill(status.pid, signal.SIGSTOP)
    stopped = jobs.stop(run, grace_s=0.5)
    assert stopped.state == "stopped"
    assert stopped.reason.startswith("Stopped by you; it had to be killed.")
    wait_until(lambda: not psutil.pid_exists(status.pid))


@pytest.mark.slow
def test_sigterm_ends_a_worker_with_its_checkpoint(live_dir, spec):
    run = jobs.submit(spec, live_dir)
    status = held(run, after_step=10)
    os.kill(status.pid, signal.SIGTERM)
    wait_until(lambda: run.status().is_over)
    assert (state_of(run), run.status().reason) == ("stopped", "Stopped by you.")
    assert (run.path / CHECKPOINT_FOLDER).is_dir()


@pytest.mark.slow
def test_a_sweep_goes_on_after_ctrl_c_two_at_once_and_is_come_back_to(
    live_dir, short, monkeypatch, capsys
):
    monkeypatch.setenv(CPU_WORKERS_VARIABLE, "2")
    long_enough = ["--max-train-samples", "64", "--epochs", "8", "--batch-size", "8"]
    settings = ["--model", short.model, *long_enough]
    asked = ["--methods", "finegates,full", "--targets", "0.2,0.4", "--seeds", "0"]
    place = ["--device", "cpu", "--name", "mine", "--runs-dir", str(live_dir)]
    sweep = subprocess.Popen(
        [sys.executable, "-m", "finegates", "sweep", *asked, *settings, *place],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        # a shell that runs the tests in its background has them ignore Ctrl+C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    assert sweep.stderr and "group mine: 3 runs" in sweep.stderr.readline()
    wait_until(lambda: len(list_runs(live_dir)) == 3)
    for run in list_runs(live_dir):
        jobs.pause(run, True)
    wait_until(lambda: [state_of(run) for run in list_runs(live_dir)].count("paused") == 2)
    sweep.send_signal(signal.SIGINT)
    out, err = sweep.communicate(timeout=LONGEST_WAIT_S)
    for run in list_runs(live_dir):
        jobs.pause(run, False)
    assert (sweep.returncode, out) == (130, "")
    assert f"sweep --name mine --runs-dir {live_dir}" in err
    assert main(["sweep", "--name", "mine", "--runs-dir", str(live_dir)]) == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["finished"], row["failed"], len(list_runs(live_dir))) == (3, 0, 3)
    first, second, _ = sorted(
        (run.status() for run in list_runs(live_dir)), key=lambda status: status.started
    )
    assert second.started < first.ended, "two trained at once"
    points = group_points(open_group(live_dir, "mine"), live_dir)
    assert [(p.method, p.target, p.seeds) for p in points] == [
        ("finegates", 0.2, (0,)), ("finegates", 0.4, (0,)), ("full", 0.0, (0,)),
    ]  # fmt: skip
    assert all(abs(p.removed - p.target) < 0.01 and p.relative_to_full for p in points)


# Without


def queue(runs_dir: Path, **settings) -> Run:
    return create_run(make_spec({"device": "cpu"} | settings), {}, runs_dir)


def ended(runs_dir: Path, state: str, **settings) -> Run:
    run = queue(runs_dir, **settings)
    write_status(run.path, replace(run.status(), state=state, reason="why", ended=1.0))
    return run


def test_a_submitted_run_waits_with_what_is_known_of_its_data(runs_dir, asleep, short):
    run = jobs.submit(short, runs_dir, command=["mine", "a b"])
    assert asleep == [runs_dir]
    assert state_of(run) == "queued"
    assert run.record["command"] == "mine 'a b'"
    assert run.record["data"] == check_inputs(short)[1]
    assert run.record["data"]["num_train"] == 64


def test_what_could_not_work_is_not_submitted(runs_dir, asleep, short):
    with pytest.raises(SpecError, match="cuda:9"):
        jobs.submit(replace(short, device="cuda:9"), runs_dir)
    assert list_runs(runs_dir) == [] and asleep == []


def test_runs_wait_in_the_order_in_which_they_were_queued(runs_dir, asleep):
    first = ended(runs_dir, "stopped")
    waiting = [
        queue(runs_dir, seed=seed, task=task) for seed, task in enumerate(["sst2", "cola"] * 4)
    ]
    jobs.resume(first)
    spoilt = queue(runs_dir)
    (spoilt.path / "spec.json").write_text("{")
    queued = queued_runs(statuses_of(runs_dir))
    assert [run.id for run in queued] == [run.id for run in [*waiting, first]]


def test_a_queued_run_is_stopped_without_being_started(runs_dir, asleep):
    run = queue(runs_dir)
    status = jobs.stop(run)
    assert (status.state, status.reason) == ("stopped", "Stopped by you before it started.")
    assert status.ended is not None
    dispatcher.dispatch(runs_dir)
    assert not run.log_path.exists()
    jobs.resume(run)
    assert state_of(run) == "queued"
    assert not (run.path / STOP_FILE).exists()


@pytest.mark.parametrize("state", FINAL_STATES)
def test_a_run_that_is_over_is_not_stopped(runs_dir, state):
    run = ended(runs_dir, state)
    with pytest.raises(RunError, match=f"{state} already; there is nothing to stop"):
        jobs.stop(run)
    assert not (run.path / STOP_FILE).exists()


@pytest.mark.parametrize("state", ["stopped", "failed", "lost"])
def test_a_run_that_did_not_finish_can_be_resumed(runs_dir, asleep, state):
    run = ended(runs_dir, state)
    jobs.resume(run)
    assert (state_of(run), run.status().reason, run.status().ended) == ("queued", "", None)
    assert asleep == [runs_dir]


@pytest.mark.parametrize("state", ["queued", "finished"])
def test_a_run_that_waits_or_finished_is_not_resumed(runs_dir, asleep, state):
    with pytest.raises(RunError, match=f"is {state}; only"):
        jobs.resume(ended(runs_dir, state))
    assert asleep == []


def test_a_run_is_not_resumed_where_its_device_is_not(runs_dir, asleep):
    run = ended(runs_dir, "stopped", device="cuda:9")
    with pytest.raises(SpecError, match="cuda:9"):
        jobs.resume(run)
    assert state_of(run) == "stopped" and asleep == []


def test_what_was_checked_before_is_not_read_again_and_an_id_can_be_chosen_before(
    runs_dir, asleep, short, monkeypatch
):
    spec, data = check_inputs(short)
    monkeypatch.setattr(jobs, "check_inputs", lambda spec: pytest.fail("looked again"))
    chosen = new_run_id(spec)
    run = jobs.submit(spec, runs_dir, checked_data=data, run_id=chosen, start=False)
    assert (run.id, run.record["run"], run.spec) == (chosen, chosen, spec)
    assert run.record["data"] == data
    assert state_of(run) == "queued" and asleep == []
    with pytest.raises(OSError):
        jobs.submit(spec, runs_dir, checked_data=data, run_id=chosen, start=False)
    assert [run.id for run in list_runs(runs_dir)] == [chosen]


def test_who_resumes_many_runs_starts_the_dispatcher_itself(runs_dir, asleep):
    run = ended(runs_dir, "stopped")
    jobs.resume(run, start=False)
    assert state_of(run) == "queued" and asleep == []


def test_a_second_dispatcher_ends_and_starts_nothing(runs_dir, monkeypatch):
    monkeypatch.setattr(dispatcher, "TAKEOVER_WAIT_S", 0.1)
    run = queue(runs_dir)
    with FileLock(runs_dir / dispatcher.DISPATCHER_LOCK):
        dispatcher.dispatch(runs_dir)
    assert state_of(run) == "queued"
    assert not run.log_path.exists()


def test_a_dispatcher_with_nothing_to_do_ends(runs_dir):
    (runs_dir / "broken").mkdir()
    ended(runs_dir, "finished")
    dispatcher.dispatch(runs_dir)


def test_the_queue_is_woken_only_if_runs_wait_and_nobody_is_at_work(runs_dir, asleep):
    ended(runs_dir, "finished")
    dispatcher.wake_queue(runs_dir)
    assert asleep == []
    queue(runs_dir)
    with FileLock(runs_dir / dispatcher.DISPATCHER_LOCK):
        dispatcher.wake_queue(runs_dir)
    assert asleep == []
    dispatcher.wake_queue(runs_dir)
    assert asleep == [runs_dir]


def test_a_worker_that_dies_before_its_first_word_is_not_started_for_ever(runs_dir, monkeypatch):
    starts = []

    def die_at_once(run: Run, device: str) -> subprocess.Popen:
        starts.append(run.id)
        return subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])

    monkeypatch.setattr(dispatcher, "_start_worker", die_at_once)
    runs = [queue(runs_dir), queue(runs_dir)]
    dispatcher.dispatch(runs_dir)
    assert starts == [run.id for run in runs]
    for run in runs:
        assert state_of(run) == "failed"
        assert "exit code 3 before it began" in run.status().reason


def sleepers(monkeypatch, most: list[int], seconds: float = 0.2) -> None:
    """Workers that only sleep and then end their run; keeps how many there were at once."""
    alive: list[subprocess.Popen] = []

    def start(arguments: list[str], log: object, environment: dict | None = None):
        status = "from finegates.runs.status import *; from dataclasses import replace; "
        status += "from pathlib import Path; p = Path(sys.argv[1]); s = read_status(p); "
        status += (
            "write_status(p, replace(s, state='finished', reason=os.environ['OMP_NUM_THREADS']))"
        )
        code = f"import os, sys, time; time.sleep({seconds}); {status}"
        words = [sys.executable, "-c", code, arguments[1]]
        alive.append(subprocess.Popen(words, env={**os.environ, **(environment or {})}))
        most.append(sum(process.poll() is None for process in alive))
        return alive[-1]

    monkeypatch.setenv("OMP_NUM_THREADS", "unset")
    monkeypatch.setattr(dispatcher, "start_process", start)


@pytest.mark.parametrize(("workers", "at_once"), [(None, 1), ("1", 1), ("2", 2), ("3", 3)])
def test_as_many_runs_train_on_the_cpu_at_once_as_are_allowed(
    runs_dir, monkeypatch, workers, at_once
):
    monkeypatch.delenv(CPU_WORKERS_VARIABLE, raising=False)
    if workers:
        monkeypatch.setenv(CPU_WORKERS_VARIABLE, workers)
    monkeypatch.setattr(devices, "num_cores", lambda: 6)
    most: list[int] = []
    sleepers(monkeypatch, most)
    runs = [queue(runs_dir, seed=seed) for seed in range(5)]
    dispatcher.dispatch(runs_dir)
    assert [state_of(run) for run in runs] == ["finished"] * 5
    assert max(most) == at_once and len(most) == 5
    threads = "unset" if at_once == 1 else str(6 // at_once)
    assert {run.status().reason for run in runs} == {threads}


def test_a_run_in_the_foreground_takes_one_of_the_places_on_the_cpu(runs_dir, monkeypatch):
    monkeypatch.setenv(CPU_WORKERS_VARIABLE, "2")
    me, there = psutil.Process(), list_devices()
    status = Status(
        "running", host=os.uname().nodename, pid=me.pid, process_created=me.create_time(),
        heartbeat=time.time(), device="cpu",
    )  # fmt: skip
    runs = [queue(runs_dir, seed=seed) for seed in range(3)]

    def free() -> str | None:
        return dispatcher._free_device(runs[2], there, statuses_of(runs_dir), {})

    write_status(runs[0].path, status)
    assert free() == "cpu"
    write_status(runs[1].path, status)
    assert free() is None


def test_a_run_on_a_busy_device_waits(runs_dir, monkeypatch):
    me = psutil.Process()
    busy = queue(runs_dir)
    status = Status(
        "running", host=os.uname().nodename, pid=me.pid, process_created=me.create_time(),
        heartbeat=time.time(), device="cpu",
    )  # fmt: skip
    write_status(busy.path, status)
    waiting, there = queue(runs_dir), list_devices()

    def free() -> str | None:
        return dispatcher._free_device(waiting, there, statuses_of(runs_dir), {})

    assert free() is None
    write_status(busy.path, replace(status, state="finished"))
    assert free() == "cpu"
    write_status(busy.path, replace(status, host="elsewhere"))
    assert free() == "cpu", "a run on another host does not keep this one's device busy"


def test_a_run_of_two_processes_waits_for_two_gpus(runs_dir):
    me = psutil.Process()
    running = Status(
        "running", host=os.uname().nodename, pid=me.pid, process_created=me.create_time(),
        heartbeat=time.time(), device="cuda:0,cuda:1",
    )  # fmt: skip
    there = [devices.Device(f"cuda:{i}", "a GPU", 1 << 30) for i in range(3)]
    there.append(devices.Device("cpu", "a CPU", 1 << 30))
    pair = queue(runs_dir, device="auto")
    write_status(pair.path, running)
    single, double = (queue(runs_dir, device="auto", num_processes=n) for n in (1, 2))

    def free(run: Run) -> str | None:
        return dispatcher._free_device(run, there, statuses_of(runs_dir), {})

    assert (free(single), free(double)) == ("cuda:2", None)
    write_status(pair.path, replace(running, state="finished"))
    assert free(double) == "cuda:0,cuda:1"
