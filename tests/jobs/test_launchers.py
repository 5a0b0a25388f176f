"""Claims about launchers that hold without a cluster: who starts a run, and how a job ends one."""

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

from finegates.cli import build_parser, main
from finegates.commands.options import given_launch
from finegates.errors import RunError, SpecError
from finegates.jobs import control as jobs
from finegates.jobs import dispatcher
from finegates.jobs.launchers import slurm, slurm_client, slurm_job, slurm_queue, slurm_worker
from finegates.jobs.launchers.base import JobInfo
from finegates.jobs.launchers.slurm_client import Job
from finegates.jobs.launchers.slurm_job import RunJob, save_s, why
from finegates.jobs.launchers.slurm_worker import end_as, make_ready
from finegates.jobs.queue import queued_runs, statuses_of
from finegates.runs.folder import Run, create_run, list_runs
from finegates.runs.launch import (
    HERE,
    LAUNCH_FILE,
    Launch,
    SlurmSettings,
    command_of_launch,
    launch_flags,
    read_launch,
    write_launch,
)
from finegates.runs.status import (
    EXIT_FILE,
    RESUMABLE_STATES,
    STOP_FILE,
    Status,
    write_status,
    written_status,
)
from finegates.runs.stop_request import StopRequest, ask_to_end, ask_to_stop, read_stop
from finegates.spec import RunSpec, make_spec

pytestmark = pytest.mark.usefixtures("asleep")

SETTINGS = SlurmSettings(partition="gpu", account="lab", time_min=30, gpus=1, memory_gb=2.5)
ON_SLURM = Launch("slurm", SETTINGS)
REQUEUED = StopRequest("queued", "Timed out; saved and requeued.")


@pytest.fixture
def scancelled(runs_dir, monkeypatch) -> list[str]:
    """Numbers of jobs that would have been cancelled; here is no Slurm."""
    numbers: list[str] = []

    def details(number: str) -> dict[str, str]:
        runs = [run for run in list_runs(runs_dir) if read_launch(run.path).job_id == number]
        return {"JobName": runs[0].id}

    monkeypatch.setattr(slurm, "cancel", numbers.append)
    monkeypatch.setattr(slurm, "details", details)
    monkeypatch.setattr(slurm, "missing", lambda: "")
    monkeypatch.setattr(slurm, "_refused", lambda settings: "")
    return numbers


def queue(runs_dir: Path, launch: Launch = ON_SLURM, **settings) -> Run:
    spec = make_spec({"device": "cpu"} | settings)
    return create_run(spec, {"fingerprint": "0"}, runs_dir, launch=launch)


def live(run: Run, *, host: str = "elsewhere", **changes) -> Run:
    me = psutil.Process()
    status = Status(
        "running", step=7, host=host, pid=me.pid, process_created=me.create_time(),
        heartbeat=time.time(),
    )  # fmt: skip
    write_status(run.path, replace(status, **changes))
    return run


# Settings and the file


@pytest.mark.parametrize(
    "wrong",
    [{"time_min": 0}, {"gpus": -1}, {"memory_gb": 0.1}, {"cpus": 0}, {"requeues": -1},
     {"partition": "a\nrm -rf ~"}, {"account": "-x"}, {"partition": "two words"}, {"gpus": "one"}],
)  # fmt: skip
def test_a_setting_that_slurm_could_not_take_is_refused_by_name(wrong):
    with pytest.raises(SpecError, match=next(iter(wrong))):
        SlurmSettings(**wrong)


def test_a_run_says_from_the_first_moment_who_starts_it(runs_dir):
    run = queue(runs_dir)
    assert read_launch(run.path) == ON_SLURM
    assert read_launch(queue(runs_dir, HERE).path) == HERE
    assert not (queue(runs_dir, HERE).path / LAUNCH_FILE).exists()
    assert run.record["command"].startswith("python -m finegates launch ")
    write_launch(run.path, HERE)
    assert not (run.path / LAUNCH_FILE).exists()


@pytest.mark.parametrize(
    "content", ["{", "[]", "{}", '{"format_version": 1, "launcher": "slurm", "settings": 3}',
                '{"format_version": 2, "launcher": "slurm", "settings": {}}'],
)  # fmt: skip
def test_a_damaged_launch_file_is_an_error_in_words(runs_dir, content):
    run = queue(runs_dir)
    (run.path / LAUNCH_FILE).write_text(content)
    with pytest.raises(RunError, match=LAUNCH_FILE):
        read_launch(run.path)
    assert jobs.job_info(run) is None and run.row()["status"] == "queued"


def test_the_command_line_gives_the_launcher_back():
    words = command_of_launch(RunSpec(epochs=2), ON_SLURM)
    assert words[:4] == ["python", "-m", "finegates", "launch"]
    assert given_launch(build_parser().parse_args(words[3:])) == ON_SLURM
    assert launch_flags(HERE) == [] and "train" in command_of_launch(RunSpec(), HERE)
    short = ["launch", "--launcher", "slurm", "--time", "5", "--memory", "3"]
    asked = given_launch(build_parser().parse_args(short))
    assert asked is not None and (asked.settings.time_min, asked.settings.memory_gb) == (5, 3.0)


def test_settings_of_slurm_without_slurm_are_refused(runs_dir, capsys):
    assert main(["launch", "--gpus", "1", "--runs-dir", str(runs_dir)]) == 2
    assert "--gpus is for Slurm" in capsys.readouterr().err


def test_without_slurm_the_error_says_what_is_missing(runs_dir, monkeypatch, capsys):
    monkeypatch.setenv("PATH", "/nonexistent")
    words = ["launch", "--launcher", "slurm", "--device", "cpu", "--runs-dir", str(runs_dir)]
    assert main(words) == 2
    assert "there is no sbatch on the PATH" in capsys.readouterr().err
    assert list(runs_dir.iterdir()) == []


@pytest.mark.parametrize(
    ("device", "gpus", "allowed"),
    [("auto", 0, True), ("cpu", 0, True), ("cuda", 1, True), ("cuda:1", 2, True),
     ("cuda", 0, False), ("cuda:1", 1, False), ("mps", 1, False)],
)  # fmt: skip
def test_the_device_has_to_be_among_what_slurm_is_asked_for(scancelled, device, gpus, allowed):
    launch = Launch("slurm", SlurmSettings(gpus=gpus))
    if allowed:
        jobs.check_launch(RunSpec(device=device), launch)
    else:
        with pytest.raises(SpecError, match="device is"):
            jobs.check_launch(RunSpec(device=device), launch)


@pytest.mark.parametrize(
    ("device", "gpus", "wrong"),
    [("auto", 0, ""), ("auto", 2, ""), ("cuda", 2, ""), ("cpu", 1, ""),
     ("auto", 1, "gpus is 1"), ("cuda:0", 2, "is one GPU")],
)  # fmt: skip
def test_each_process_has_to_be_given_a_gpu_by_slurm(scancelled, device, gpus, wrong):
    spec = RunSpec(device=device, num_processes=2)
    launch = Launch("slurm", SlurmSettings(gpus=gpus))
    if wrong:
        with pytest.raises(SpecError, match=f"num_processes is 2.*{wrong}"):
            jobs.check_launch(spec, launch)
    else:
        jobs.check_launch(spec, launch)


# Who takes it


def test_a_dispatcher_never_takes_a_run_of_slurms(runs_dir, asleep):
    theirs, ours = queue(runs_dir), queue(runs_dir, HERE)
    assert queued_runs(statuses_of(runs_dir)) == [ours]
    write_status(ours.path, Status("finished"))
    dispatcher.wake_queue(runs_dir)
    assert asleep == [] and theirs.status().state == "queued"


def test_a_run_that_slurm_refuses_leaves_nothing_and_a_resumed_one_stays_as_it_was(
    runs_dir, scancelled, monkeypatch
):
    def refuse(run: Run, settings: SlurmSettings) -> tuple[str, str]:
        raise RunError("Slurm refused the run: no such partition.")

    monkeypatch.setattr(slurm, "_sbatch", refuse)
    with pytest.raises(RunError, match="refused"):
        jobs.submit(make_spec({"device": "cpu"}), runs_dir, launch=ON_SLURM)
    assert list(runs_dir.iterdir()) == []
    run = queue(runs_dir)
    write_status(run.path, Status("timed out", reason="Timed out.", step=3))
    with pytest.raises(RunError, match="refused"):
        jobs.resume(run)
    assert (run.status().state, run.status().reason) == ("timed out", "Timed out.")


@pytest.mark.parametrize("state", RESUMABLE_STATES)
def test_a_resumed_run_is_handed_to_slurm_again_and_its_old_job_is_ended(
    runs_dir, scancelled, monkeypatch, state
):
    monkeypatch.setattr(slurm, "_sbatch", lambda run, settings: ("8", "#!/bin/bash"))
    run = queue(runs_dir, replace(ON_SLURM, job_id="7"))
    write_status(run.path, Status(state, step=3))
    jobs.resume(run, start=False)
    assert scancelled == ["7"] and run.status().state == "queued"
    launch = read_launch(run.path)
    assert (launch.job_id, launch.sbatch, launch.settings) == ("8", "#!/bin/bash", SETTINGS)


def test_a_stop_while_it_waits_takes_the_job_back_and_while_it_trains_only_asks(
    runs_dir, scancelled
):
    waiting = queue(runs_dir, replace(ON_SLURM, job_id="7"))
    jobs.request_stop(waiting)
    assert waiting.status().state == "stopped" and scancelled == ["7"]
    training = live(queue(runs_dir, replace(ON_SLURM, job_id="8")))
    jobs.request_stop(training)
    assert training.status().state == "stopping" and scancelled == ["7"]
    jobs.kill(training)
    assert scancelled == ["7", "8"]


def test_a_folder_from_elsewhere_ends_no_job_that_is_not_its_own(runs_dir, scancelled, monkeypatch):
    run = queue(runs_dir, replace(ON_SLURM, job_id="7"))
    monkeypatch.setattr(slurm, "details", lambda number: {"JobName": "another"})
    jobs.request_stop(run)
    assert scancelled == [] and run.status().state == "stopped"
    content = json.loads((run.path / LAUNCH_FILE).read_bytes())
    (run.path / LAUNCH_FILE).write_text(json.dumps({**content, "job_id": "--me"}))
    with pytest.raises(RunError, match="job_id is '--me'"):
        read_launch(run.path)


# Requests to stop


def test_the_users_request_wins_over_a_jobs_and_a_job_never_takes_it_back(tmp_path):
    ask_to_end(tmp_path, REQUEUED)
    assert read_stop(tmp_path) == REQUEUED and not REQUEUED.by_user
    ask_to_stop(tmp_path)
    assert read_stop(tmp_path) == StopRequest() and StopRequest().by_user
    ask_to_end(tmp_path, REQUEUED)
    assert read_stop(tmp_path) == StopRequest()
    assert [path.name for path in tmp_path.iterdir()] == [STOP_FILE]


# What a job does


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({}, ""),
        ({"RunTime": "00:01:00", "TimeLimit": "01:00:00"}, ""),
        ({"RunTime": "00:57:30", "TimeLimit": "01:00:00"}, "timed out"),
        ({"RunTime": "1-00:57:30", "TimeLimit": "1-01:00:00"}, "timed out"),
        ({"RunTime": "1-00:57:30", "TimeLimit": "UNLIMITED"}, ""),
        ({"JobState": "TIMEOUT"}, "timed out"),
        ({"PreemptTime": "2026-11-21T10:00:00", "RunTime": "00:57:30", "TimeLimit": "01:00:00"},
         "preempted"),
        ({"PreemptTime": "None", "RunTime": "00:00:30", "TimeLimit": "01:00:00"}, ""),
    ],
)  # fmt: skip
def test_why_slurm_sends_a_signal(known, expected):
    assert why(known, warned_s=120) == expected


@pytest.mark.parametrize(("minutes", "seconds"), [(1, 20), (4, 60), (8, 120), (600, 120)])
def test_a_job_is_warned_early_enough_to_save(minutes, seconds):
    assert save_s(minutes) == seconds


def checkpointed(run: Run, monkeypatch, *, requeues: int, known: dict[str, str]):
    monkeypatch.setattr(slurm_job, "details", lambda job_id: known)
    return RunJob(str(run.path), requeues, 20).checkpoint()


OUT_OF_TIME = {"RunTime": "00:29:00", "TimeLimit": "00:30:00"}


def test_a_job_out_of_time_requeues_its_run_until_no_requeue_is_left(runs_dir, monkeypatch):
    pytest.importorskip("submitit")
    run = queue(runs_dir)
    again = checkpointed(live(run), monkeypatch, requeues=1, known=OUT_OF_TIME)
    assert again.function.requeues_left == 0
    assert written_status(run.path).state == "queued"
    assert "It had to be killed" in run.status().reason
    assert not (run.path / STOP_FILE).exists()
    assert checkpointed(live(run), monkeypatch, requeues=0, known=OUT_OF_TIME) is None
    assert run.status().state == "timed out" and "no requeue left" in run.status().reason


def test_a_preemption_is_not_counted(runs_dir, monkeypatch):
    pytest.importorskip("submitit")
    run = queue(runs_dir)
    again = checkpointed(live(run), monkeypatch, requeues=0, known={})
    assert again.function.requeues_left == 0 and run.status().state == "queued"
    assert run.status().reason.startswith("Preempted; saved and requeued.")


def test_a_job_never_requeues_what_the_user_stopped_or_what_is_over(runs_dir, monkeypatch):
    pytest.importorskip("submitit")
    run = live(queue(runs_dir))
    ask_to_stop(run.path)
    assert checkpointed(run, monkeypatch, requeues=3, known=OUT_OF_TIME) is None
    for state in ("finished", "failed"):
        run = queue(runs_dir)
        write_status(run.path, Status(state))
        assert checkpointed(run, monkeypatch, requeues=3, known=OUT_OF_TIME) is None
        assert run.status().state == state


def test_what_a_cancellation_asked_for_is_overruled_by_a_requeue(runs_dir):
    run = queue(runs_dir)
    ask_to_end(run.path, REQUEUED)
    write_status(run.path, Status("stopped", reason="Slurm job 7 was cancelled."))
    assert end_as(run, REQUEUED) and run.status().state == "queued"


def test_a_job_that_slurm_starts_again_goes_on_where_its_worker_died(runs_dir):
    run = live(queue(runs_dir))
    (run.path / EXIT_FILE).write_text("{}")
    ask_to_end(run.path, REQUEUED)
    make_ready(run)
    assert run.status().state == "queued" and "again after step 7" in run.status().reason
    assert not (run.path / STOP_FILE).exists() and not (run.path / EXIT_FILE).exists()
    ask_to_stop(live(run).path)
    make_ready(run)
    assert run.status().state == "stopped" and (run.path / STOP_FILE).exists()


@pytest.mark.parametrize("state", ["timed out", "preempted"])
def test_a_job_that_slurm_starts_again_although_it_gave_up_goes_on(runs_dir, state):
    run = queue(runs_dir)
    write_status(run.path, Status(state, step=7))
    make_ready(run)
    assert run.status().state == "queued"


@pytest.mark.parametrize(("exit_code", "state"), [(-signal.SIGTERM, "queued"), (1, "timed out")])
def test_a_requeue_that_slurm_refuses_ends_the_run_but_not_one_that_ended_the_asker(
    runs_dir, monkeypatch, exit_code, state
):
    run = queue(runs_dir)
    job = RunJob(str(run.path), 3, 20)

    def requeue(seconds: float) -> None:
        job._leaving = "timed out"
        raise subprocess.CalledProcessError(exit_code, ["scontrol", "requeue", "7"])

    def start(run: Run) -> subprocess.Popen:
        return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1)"])

    monkeypatch.setattr(slurm_job, "start_worker", start)
    monkeypatch.setattr(slurm_job.time, "sleep", requeue)
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(subprocess.CalledProcessError):
            job()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert written_status(run.path).state == state


def test_a_worker_is_deaf_to_slurms_signals_and_its_job_is_not(runs_dir, monkeypatch):
    code = "import signal; print(sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))"

    def start(words, log, environment):
        return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)

    monkeypatch.setattr(slurm_worker, "start_process", start)
    said = slurm_worker.start_worker(queue(runs_dir, Launch("slurm"))).communicate()[0]
    assert "SIGTERM" in said and "SIGUSR2" in said
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, [])


@pytest.mark.parametrize(
    ("device", "gpus", "expected"),
    [("auto", 0, "cpu"), ("auto", 1, "cuda:0"), ("cuda", 2, "cuda:0"), ("cuda:1", 2, "cuda:1"),
     ("cpu", 1, "cpu")],
)  # fmt: skip
def test_a_run_trains_on_what_slurm_gave_it(runs_dir, device, gpus, expected):
    run = queue(runs_dir, Launch("slurm", SlurmSettings(gpus=gpus)), device=device)
    assert slurm_worker.device_of(run) == expected


@pytest.mark.parametrize(("gpus", "expected"), [(0, "cpu"), (2, "cuda:0,cuda:1")])
def test_two_processes_train_on_two_of_slurms_gpus(runs_dir, gpus, expected):
    run = queue(runs_dir, Launch("slurm", SlurmSettings(gpus=gpus)), device="auto", num_processes=2)
    assert slurm_worker.device_of(run) == expected


# Looking after jobs


@pytest.fixture
def asked(monkeypatch) -> dict:
    """What Slurm would answer, and how often it was asked."""
    answers: dict = {"jobs": [], "times": 0, "word": ("CANCELLED", "None")}

    def my_jobs():
        answers["times"] += 1
        return answers["jobs"]

    monkeypatch.setattr(slurm_queue.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(slurm_queue, "my_jobs", my_jobs)
    monkeypatch.setattr(slurm_queue, "last_word", lambda job_id: answers["word"])
    return answers


def later(runs_dir: Path, seconds: float = 20.0) -> None:
    """Makes Slurm's last answer, and what it said to be gone, this much older."""
    path = runs_dir / slurm_queue.QUEUE_FILE
    kept = json.loads(path.read_bytes())
    gone = {name: since - seconds for name, since in kept["gone"].items()}
    path.write_text(json.dumps({**kept, "asked": kept["asked"] - seconds, "gone": gone}))


def old(number: str) -> Launch:
    return replace(ON_SLURM, job_id=number, submitted=time.time() - 3600)


def test_slurm_is_asked_once_for_all_runs_and_not_again_soon(runs_dir, asked):
    slurm_queue.look_after(runs_dir)
    assert asked["times"] == 0  # no run of Slurm's
    runs = [queue(runs_dir, old(str(number))) for number in range(5)]
    asked["jobs"] = [Job(str(n), "PENDING", "", "Resources", r.id) for n, r in enumerate(runs)]
    for _ in range(3):
        slurm_queue.look_after(runs_dir)
    assert asked["times"] == 1
    info = jobs.job_info(runs[2])
    assert info == JobInfo("slurm", "2", "", "PENDING", "Resources")
    assert asked["times"] == 1  # a page that shows it asks nobody


def test_a_run_whose_job_is_gone_ends_with_slurms_word_but_not_at_first_sight(runs_dir, asked):
    run, training = queue(runs_dir, old("7")), live(queue(runs_dir, old("8")))
    slurm_queue.look_after(runs_dir)
    assert run.status().state == "queued"
    later(runs_dir)
    slurm_queue.look_after(runs_dir)
    assert run.status().state == "failed" and "job 7 is CANCELLED." in run.status().reason
    assert training.status().state == "failed" and "Last step: 7." in training.status().reason


@pytest.mark.parametrize(
    ("word", "state"),
    [("TIMEOUT", "timed out"), ("PREEMPTED", "preempted"), ("NODE_FAIL", "failed")],
)
def test_slurms_word_decides_the_state(runs_dir, asked, word, state):
    run = live(queue(runs_dir, old("7")))
    asked["word"] = (word, "None")
    slurm_queue.settle_gone(run, read_launch(run.path))
    assert run.status().state == state and f"is {word}." in run.status().reason


def test_a_user_who_asked_for_a_stop_is_told_that_it_was_stopped(runs_dir, asked):
    run = live(queue(runs_dir, old("7")))
    ask_to_stop(run.path)
    slurm_queue.settle_gone(run, read_launch(run.path))
    assert run.status().state == "stopped"


def test_no_run_is_ended_while_a_worker_is_at_it_or_slurm_does_not_answer(runs_dir, asked):
    run = live(queue(runs_dir, old("7")))
    with slurm_worker.worker_lock(run):
        slurm_queue.settle_gone(run, read_launch(run.path))
    assert run.status().state == "running"
    asked["jobs"] = None
    for _ in range(4):
        slurm_queue.look_after(runs_dir)
        later(runs_dir, 600)
    assert asked["times"] == 4 and run.status().state == "running"


def test_a_job_whose_number_was_not_kept_is_found_by_its_name_and_one_never_made_is_told(
    runs_dir, asked
):
    found, never = queue(runs_dir), queue(runs_dir)
    asked["jobs"] = [Job("7", "RUNNING", "n1", "None", found.id)]
    slurm_queue.look_after(runs_dir)
    assert read_launch(found.path).job_id == "7"
    later(runs_dir, slurm_queue.NEVER_SUBMITTED_S + 1)
    slurm_queue.look_after(runs_dir)
    assert never.status().state == "failed" and "never handed to Slurm" in never.status().reason
    assert found.status().state == "queued"


def test_a_slurm_that_hangs_is_one_that_does_not_answer(tmp_path, monkeypatch):
    (tmp_path / "squeue").write_text("#!/bin/sh\nexec sleep 30\n")
    (tmp_path / "squeue").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(slurm_client, "ANSWER_S", 0.2)
    assert slurm_client.my_jobs() is None
