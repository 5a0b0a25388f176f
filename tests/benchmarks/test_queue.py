"""The queue's benchmark measures what it says; and a small queue of real runs drains in order."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks import opened
from benchmarks import queue as queue_benchmark
from benchmarks.drained import (
    MB,
    Sample,
    cpu_share,
    handovers,
    longest_lead,
    memory_figures,
    num_starts,
    once_figures,
    order_figures,
    overtaken,
    trained_once,
)
from finegates.files.storage import append_line
from finegates.runs.folder import METRICS_FILE, Run, create_run
from finegates.runs.status import Status, write_status
from finegates.spec import make_spec
from tests.app.fake_runs import make_run

RUNS, LONGEST_WAIT_S = 6, 300.0
TRAINED = (("train", 1), ("train", 2), ("eval", 2))


def test_who_begins_before_one_that_was_queued_earlier_is_out_of_order():
    assert (overtaken([1.0, 2.0, 2.0, 3.0]), longest_lead([1.0, 2.0, 2.0, 3.0])) == (0, 0.0)
    assert (overtaken([1.0, 4.0, 2.0, 3.5]), longest_lead([1.0, 4.0, 2.0, 3.5])) == (2, 2.0)


def test_a_place_is_filled_by_the_next_worker():
    made, ended = [0.0, 0.0, 5.0, 7.0], [6.5, 4.0, 9.0, 9.0]
    assert handovers(made, ended, at_once=2) == [1.0, 0.5]
    assert handovers(made, ended, at_once=4) == []


def test_the_order_is_that_of_the_processes():
    made = [Status(process_created=t, started=s, ended=9.0) for t, s in ((1, 5.0), (1, 4.0))]
    processes, begun, lead, _ = order_figures(made, at_once=2)
    assert processes["median"] == 0 and processes["met"]
    assert (begun["median"], lead["median"]) == (1, 1000.0)
    assert not order_figures([*made[:1], Status(ended=9.0)], 1)[0]["met"]


def test_a_share_is_of_the_seconds_after_so_many_are_left():
    used = [0.0, 2.0, 4.0, 4.5, 5.0, 5.0]
    samples = [
        Sample(10.0 * place, waiting, 1, seconds, 1, 0.0)
        for place, (waiting, seconds) in enumerate(zip([8, 8, 4, 4, 1, 0], used, strict=True))
    ]
    assert [cpu_share(samples, level) for level in (8, 4, 1, 0)] == [0.2, 0.05, 0.0, 0.0]


def test_memory_that_grows_is_not_flat():
    rows = {row["figure"]: row for row in memory_figures("it", [100 * MB, 150 * MB, 105 * MB])}
    assert [rows[f"it: memory, {k}"]["median"] for k in ("start", "middle", "end", "highest")] == [
        100, 150, 105, 150,
    ]  # fmt: skip
    assert rows["it: memory, end / start"]["met"]
    assert not memory_figures("it", [100, 111])[-1]["met"]


def finished(runs_dir, rows=TRAINED, workers=1, state="finished") -> Run:
    run = create_run(make_spec({}), {}, runs_dir)
    write_status(run.path, Status(state, total_steps=2))
    for kind, step in rows:
        append_line(run.path / METRICS_FILE, {"kind": kind, "step": step})
    run.log_path.write_text(f"{run.id} on cpu: a command\nstep 1\n" * workers)
    return run


@pytest.mark.parametrize(
    "rows",
    [(*TRAINED, ("train", 2)), TRAINED[:1], (*TRAINED, ("resumed", 0), *TRAINED), ()],
    ids=["a step twice", "not to the end", "resumed", "nothing"],
)
def test_a_run_that_did_not_train_every_step_just_once_is_told(runs_dir, rows):
    assert trained_once(finished(runs_dir)) and not trained_once(finished(runs_dir, rows))


def test_a_second_worker_is_told_and_so_is_a_run_that_did_not_finish(runs_dir):
    twice, failed = finished(runs_dir, workers=2), finished(runs_dir, state="failed")
    assert (num_starts(twice), num_starts(failed)) == (2, 1)
    sound = [finished(runs_dir) for _ in range(3)]
    assert [row["median"] for row in once_figures([*sound, twice, failed])] == [1, 1, 0]
    assert all(row["met"] for row in once_figures(sound))


@pytest.mark.slow
def test_a_queue_of_real_runs_drains_in_order_two_at_once(runs_dir, toy_model_dir):
    runs, submitting = queue_benchmark.queue(
        queue_benchmark.tiny_spec(toy_model_dir), runs_dir, RUNS
    )
    assert all(row["median"] > 0 for row in submitting) and len(runs) == RUNS
    with queue_benchmark.dispatching(runs_dir, runs) as dispatcher:
        assert dispatcher.wait(LONGEST_WAIT_S) == 0
    statuses = [run.status() for run in runs]
    goals = [row for row in once_figures(runs) + order_figures(statuses, 2) if "goal" in row]
    assert len(goals) == 4 and all(row["met"] for row in goals), goals
    at_work = [sum(s.started <= t.started < s.ended for s in statuses) for t in statuses]
    assert max(at_work) == 2


@pytest.mark.browser
def test_pages_are_looked_at_in_a_real_server(tmp_path, runs_dir, monkeypatch):
    monkeypatch.setattr(opened, "LOOKS", 1)
    make_run(runs_dir)
    (place := tmp_path / "place").mkdir()

    def look() -> list[dict]:
        with opened.opened_app(place, runs_dir) as app:
            assert app.process.memory_info().rss > 50 * MB
            rows = app.looks(runs_dir, "one run")
        assert not app.process.is_running()
        return rows

    with ThreadPoolExecutor(1) as thread:  # other tests of this process have a browser of their own
        rows = thread.submit(look).result()
    assert [row["figure"].partition(",")[0] for row in rows] == ["runs", "runs", "live", "live"]
    assert all(row["median"] > 0 for row in rows)
