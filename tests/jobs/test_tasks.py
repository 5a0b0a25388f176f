"""Tasks beside training: started, read while they run, and how they ended."""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from finegates.errors import RunError
from finegates.jobs.tasks import (
    DONE,
    FAILED,
    PROGRESS_VARIABLE,
    RUNNING,
    TASKS_FOLDER,
    read_task,
    reported,
    start_task,
    stop_task,
)
from finegates.runs.measurements import TIMINGS_FILE, keep_timing, read_timings
from tests.fake_results import result

TIMING = {
    "remove": 0.4, "threshold": None, "batch_size": 8, "seq_len": 32, "dtype": "float32",
    "device": "cpu", "threads": 2, "hardware": "a cpu", "dense_s": 0.2, "masked_s": 0.21,
    "shrunk_s": 0.1, "speedup": 2.0, "mac_ratio": 2.2, "removed_weights_fraction": 0.4,
}  # fmt: skip


SLEEP = "import time; time.sleep(60)"


@pytest.fixture
def run(runs_dir):
    return result(runs_dir, 0.8)


def ended(run, name, seconds=60):
    deadline = time.monotonic() + seconds
    while (task := read_task(run, name)) and task.state == RUNNING:
        assert time.monotonic() < deadline, "the task does not end"
        time.sleep(0.05)
    return task


def test_nothing_is_known_of_a_task_that_was_never_started(run):
    assert read_task(run, "score") is None


def test_a_commands_last_line_is_its_result(run):
    start_task(run, "show", ["params", "--model", "minilm", "--json"])
    task = ended(run, "show")
    assert task.state == DONE, task.log
    assert task.arguments[0] == "params" and task.result is not None and not task.reason


def test_a_failed_task_says_why_in_the_commands_words(run):
    start_task(run, "score", ["prune", "nobody", "--runs-dir", str(run.path.parent), "--remove=2"])
    task = ended(run, "score")
    assert task.state == FAILED and task.result is None
    assert task.reason == "remove is 2.0; allowed is 0 to below 1."


@pytest.fixture
def sleeper(monkeypatch):
    """Commands that do nothing for a minute."""
    started = []

    def start(arguments, log, environment, *, output):
        process = subprocess.Popen([sys.executable, "-c", SLEEP], start_new_session=True)
        started.append(process)
        return process

    monkeypatch.setattr("finegates.jobs.tasks.start_process", start)
    yield
    for process in started:
        process.kill()
        process.wait()


def test_one_task_of_a_name_at_a_time_and_it_can_be_stopped(run, sleeper):
    assert start_task(run, "slow", ["bench", run.id])
    assert read_task(run, "slow").state == RUNNING
    with pytest.raises(RunError, match="wait for it, or stop it"):
        start_task(run, "slow", ["bench", run.id, "--repeats=2"])
    start_task(run, "other", ["bench", run.id])
    stop_task(run, "slow")
    task = ended(run, "slow")
    assert task.state == FAILED and task.reason == "It ended without a word."
    assert read_task(run, "other").state == RUNNING


def test_the_same_task_asked_for_twice_is_started_once(run, sleeper):
    with ThreadPoolExecutor(4) as clicks:
        asked = [clicks.submit(start_task, run, "slow", ["bench", run.id]) for _ in range(4)]
    assert sorted(click.result() for click in asked) == [False, False, False, True]


def test_a_task_that_reports_how_far_it_is_can_be_read(run, sleeper, monkeypatch):
    start_task(run, "slow", ["bench", run.id])
    assert read_task(run, "slow").fraction is None
    monkeypatch.setenv(PROGRESS_VARIABLE, str(run.path / TASKS_FOLDER / "slow.progress"))
    report = reported()
    report(0.0, "warming up")
    known = read_task(run, "slow")
    assert (known.fraction, known.doing, known.seconds_left) == (0.0, "warming up", None)
    time.sleep(0.3)
    report(0.25, "timing, round 1 of 4")
    known = read_task(run, "slow")
    assert (known.fraction, known.doing) == (0.25, "timing, round 1 of 4")
    assert known.seconds_left == pytest.approx(0.9, abs=0.6)


@pytest.mark.parametrize("content", ["", "[]", '{"fraction": "x"}', '{"fraction": 1e999}'])
def test_damaged_progress_is_none(run, sleeper, content):
    start_task(run, "slow", ["bench", run.id])
    (run.path / TASKS_FOLDER / "slow.progress").write_text(content)
    assert read_task(run, "slow").fraction is None


def test_without_a_task_progress_is_told_to_nobody(monkeypatch):
    monkeypatch.delenv(PROGRESS_VARIABLE, raising=False)
    reported()(0.5, "nothing")


@pytest.mark.parametrize("content", ["", "[]", '{"pid": 1}', '{"pid": "x", "created": 0}'])
def test_a_damaged_task_is_as_if_it_had_never_been(run, content):
    (run.path / TASKS_FOLDER).mkdir()
    (run.path / TASKS_FOLDER / "score.json").write_text(content)
    assert read_task(run, "score") is None


def test_timings_of_the_same_cut_and_machine_replace_each_other(run):
    keep_timing(run, TIMING)
    keep_timing(run, {**TIMING, "batch_size": 1})
    keep_timing(run, {**TIMING, "speedup": 1.5})
    assert [(t["batch_size"], t["speedup"]) for t in read_timings(run)] == [(1, 2.0), (8, 1.5)]


@pytest.mark.parametrize(
    "content", [{"format_version": 9, "timings": []}, {"format_version": 1, "timings": [{}]}]
)
def test_damaged_timings_are_said_and_never_written_over(run, content):
    (run.path / TIMINGS_FILE).write_text(json.dumps(content))
    with pytest.raises(RunError, match="damaged"):
        keep_timing(run, TIMING)
    assert json.loads((run.path / TIMINGS_FILE).read_text()) == content
