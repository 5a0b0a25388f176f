"""What an open Live page takes is measured of every state; how much it is, no test tells."""

import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import pytest

from benchmarks import live_cpu
from benchmarks.record import RESULTS
from finegates.runs.folder import METRICS_FILE
from tests.app.fake_runs import TINY, make_run


@pytest.mark.slow
@pytest.mark.browser
def test_every_state_of_a_run_is_looked_at(tmp_path):
    # In a process of its own: other tests of this one may have Playwright at work.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        figures = pool.submit(live_cpu.measure, tmp_path, live_cpu.Extent(0.5, 0.2, 5.0)).result()
    seen = [row["figure"] for row in figures if "goal" in row]
    states = ("running", "running, hidden", "paused", "finished", "paused, two windows")
    assert seen == [f"live, {state}: both" for state in states]
    assert all(row["median"] >= 0 for row in figures)


def test_a_run_grows_as_a_worker_writes_it(tmp_path):
    run = make_run(tmp_path, "running", size=TINY, progress=0.1, total_steps=100)
    before, step = (run.path / METRICS_FILE).read_text(), run.status().step
    with live_cpu.growing(run, 100.0):
        while run.status().step == step:
            pass
    after = (run.path / METRICS_FILE).read_text()
    assert after.startswith(before) and json.loads(after.splitlines()[-1])["step"] > step


def test_the_kept_result_is_of_the_full_form():
    kept = json.loads((RESULTS / live_cpu.RESULT).read_text())
    assert kept["seconds"] == live_cpu.FULL.seconds
    assert all(r["met"] == (r["median"] <= r["goal"]) for r in kept["figures"] if "goal" in r)
