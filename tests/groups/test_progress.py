"""Claims about how far a group is and what is said of it while it is followed."""

import os
import time

import psutil
import pytest

from finegates.commands import follow as follow_module
from finegates.commands.follow import follow, line_of
from finegates.groups.progress import MISSING, progress_of
from finegates.groups.store import Cell
from finegates.runs.bin import delete_run
from finegates.runs.folder import BROKEN, Run
from finegates.runs.status import Status, write_status
from tests.fake_results import cell_of, group_of, in_state, result


def live(run: Run, left_s: float | None = None, **changes) -> Run:
    me = psutil.Process()
    alive = {
        "host": os.uname().nodename, "pid": me.pid, "process_created": me.create_time(),
        "heartbeat": time.time(), "started": time.time() - 30, "ended": None,
    }  # fmt: skip
    return in_state(run, "running", **alive, time_left_s=left_s, **changes)


def queued(runs_dir, **settings) -> Run:
    run = result(runs_dir, **settings)
    write_status(run.path, Status(heartbeat=time.time()))
    return run


def test_each_cell_has_the_state_of_its_run(runs_dir):
    runs = [result(runs_dir, seed=seed) for seed in range(5)]
    in_state(runs[1], "failed")
    (runs[2].path / "status.json").write_text("{")
    (runs[2].path / "status.json").unlink()
    delete_run(runs[3])
    cells = [*map(cell_of, runs[:3]), Cell("finegates", 0.3, 3, runs[3].id), Cell("full", 0.0, 9)]
    progress = progress_of(group_of(runs_dir, "g", cells), runs_dir)
    states = [cell.state for cell in progress.cells]
    assert states == ["finished", "failed", BROKEN, MISSING, MISSING]
    assert (progress.num_finished, len(progress.failed), progress.is_over) == (1, 4, True)


def test_a_group_is_over_when_nothing_waits_or_lives(runs_dir):
    runs = [result(runs_dir, seed=0), queued(runs_dir, seed=1)]
    group = group_of(runs_dir, "g", [cell_of(run) for run in runs])
    assert not progress_of(group, runs_dir).is_over
    live(runs[1])
    assert not progress_of(group, runs_dir).is_over
    in_state(runs[1], "stopped")
    assert progress_of(group, runs_dir).is_over


def test_time_left_counts_what_waits_and_is_shared_by_what_runs_at_once(runs_dir):
    begun = [time.time() - 60 * ago for ago in (4, 3, 2)]
    done = [
        in_state(result(runs_dir, seed=seed), "finished", started=start, ended=start + 60)
        for seed, start in enumerate(begun)
    ]
    waiting = [queued(runs_dir, seed=seed) for seed in range(3, 5)]
    one = live(result(runs_dir, seed=9), left_s=20.0)
    group = group_of(runs_dir, "g", [cell_of(r) for r in (*done, *waiting, one)])
    assert progress_of(group, runs_dir).time_left_s == pytest.approx(20 + 2 * 60, abs=1)
    two = live(result(runs_dir, seed=10), left_s=40.0)
    group = group_of(runs_dir, "g", [cell_of(r) for r in (*done, *waiting, one, two)])
    assert progress_of(group, runs_dir).time_left_s == pytest.approx((60 + 2 * 60) / 2, abs=1)
    in_state(two, "finished", ended=time.time())
    left = progress_of(group, runs_dir).time_left_s
    assert left == pytest.approx((20 + 2 * 60) / 2, abs=8), "its place is taken in a moment"


def test_the_first_run_tells_how_long_the_others_will_take(runs_dir):
    running, waiting = live(result(runs_dir, seed=0), left_s=70.0), queued(runs_dir, seed=1)
    group = group_of(runs_dir, "g", [cell_of(running), cell_of(waiting)])
    assert progress_of(group, runs_dir).time_left_s == pytest.approx(70 + 100, abs=1)
    live(running, left_s=None)
    assert progress_of(group, runs_dir).time_left_s is None


def test_a_line_tells_counts_scores_removal_failures_and_time(runs_dir):
    runs = [result(runs_dir, seed=seed) for seed in range(4)]
    live(runs[1], left_s=600.0, score=0.8123, removed_weights_fraction=0.12)
    live(runs[2], left_s=600.0, score=None)
    in_state(runs[3], "failed")
    line = line_of(progress_of(group_of(runs_dir, "g", map(cell_of, runs)), runs_dir))
    for words in (
        "1/4 finished",
        "finegates 0.3 seed 1: accuracy 81.2, removed 12.0%",
        "finegates 0.3 seed 2: running",
        "1 not finished: finegates 0.3 seed 3 failed",
        "about 10 min left",
    ):
        assert words in line
    assert "\n" not in line


def test_following_says_a_line_for_each_change_and_ends_with_the_last_run(runs_dir, monkeypatch):
    run = queued(runs_dir, seed=0)
    group, said, naps = group_of(runs_dir, "g", [cell_of(run)]), [], []
    happenings = [
        lambda: None,
        lambda: live(run, left_s=9.0, score=None, step=1),
        lambda: live(run, left_s=8.0, score=None, step=2),
        lambda: live(run, left_s=5.0, score=0.7, metric="accuracy"),
        lambda: in_state(run, "finished", ended=time.time(), score=0.75),
    ]

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        happenings[len(naps) - 1]()

    monkeypatch.setattr(follow_module.time, "sleep", sleep)
    progress = follow(group, runs_dir, said.append)
    assert progress.num_finished == 1
    assert len(naps) == len(happenings)
    assert [line.split("  ", 1)[1].split(" | ")[0] for line in said] == [
        "0/1 finished", "0/1 finished", "0/1 finished", "1/1 finished",
    ]  # fmt: skip
    assert "accuracy 70.0" in said[2]


def test_a_queue_that_nobody_serves_is_woken(runs_dir, monkeypatch):
    run, woken = queued(runs_dir, seed=0), []

    def wake(folder) -> None:
        woken.append(folder)
        in_state(run, "finished", ended=1.0)

    monkeypatch.setattr(follow_module, "WAKE_EVERY_S", 0.0)
    monkeypatch.setattr(follow_module, "POLL_S", 0.01)
    monkeypatch.setattr(follow_module, "tend", wake)
    follow(group_of(runs_dir, "g", [cell_of(run)]), runs_dir, lambda line: None)
    assert woken == [runs_dir]
