"""A record says whether its times are steady, by which limits, and why not."""

import subprocess
import sys
import time

import pytest

from finegates.gates.cuts import Cut
from finegates.measuring import steadiness as module
from finegates.measuring.bench import bench
from finegates.measuring.candidates import attach_random_gates
from finegates.measuring.steadiness import SPREAD_LIMIT, Watch, steadiness
from tests.toy_models import toy_model

STEADY = [2.0, 2.01, 1.99, 2.0, 2.02]
UNSTEADY = [1.2, 2.0, 2.9, 1.5, 2.4]


@pytest.fixture
def cores(monkeypatch):
    monkeypatch.setattr(module.psutil, "cpu_count", lambda: 4)


def watched(others: float) -> Watch:
    watch = Watch()
    watch.others_cores, watch.load_before, watch.load_after = others, 0.5, 0.7
    return watch


@pytest.mark.parametrize(
    ("ratios", "others", "threads", "words"),
    [
        (STEADY, 0.1, 4, ()),
        (STEADY, 1.9, 2, ()),  # two cores are left to others
        (STEADY, 2.2, 2, ("other programs took 2.2 of 4 cores (limit 2)",)),
        (STEADY, 0.3, 4, ("took 0.3 of 4 cores (limit 0.25)",)),
        (UNSTEADY, 0.1, 4, ("differed by 45% between passes (limit 10%)",)),
        (UNSTEADY, 3.0, 4, ("differed by 45%", "and other programs took 3.0")),
    ],
)
def test_what_is_not_steady_says_why(cores, ratios, others, threads, words):
    told = steadiness(watched(others), ratios, threads)
    assert told["busy"] == bool(words) and all(word in told["busy_why"] for word in words)
    assert bool(told["busy_why"]) == told["busy"]
    assert (told["spread"] > SPREAD_LIMIT) == (ratios is UNSTEADY)
    assert (told["load_before"], told["load_after"], told["spread_limit"]) == (0.5, 0.7, 0.1)


def test_one_outlier_is_not_what_spread_is(cores):
    assert not steadiness(watched(0), [*STEADY, *STEADY, 9.0], 4)["busy"]


def test_its_own_work_is_not_that_of_others(monkeypatch):
    seconds = {"busy": 100.0, "own": 10.0}
    monkeypatch.setattr(module, "_busy_s", lambda: seconds["busy"])
    monkeypatch.setattr(module, "_own_s", lambda: seconds["own"])
    monkeypatch.setattr(module.time, "perf_counter", lambda: seconds["busy"])
    with Watch() as watch:
        seconds.update(busy=110.0, own=17.0)
    assert watch.others_cores == pytest.approx(0.3)


@pytest.mark.slow
def test_another_program_is_seen():
    code = "import time; end = time.time() + 20\nwhile time.time() < end: pass"
    other = subprocess.Popen([sys.executable, "-c", code])
    try:
        with Watch() as watch:
            time.sleep(1.5)
    finally:
        other.kill()
        other.wait()
    assert watch.others_cores > 0.2


def test_a_bench_says_how_steady_it_was():
    model = toy_model()
    attach_random_gates(model)
    told = bench(model.eval(), Cut(remove=0.4), batch_size=2, length=8, repeats=4)
    assert told["speedup_q25"] <= told["speedup"] <= told["speedup_q75"]
    assert told["spread"] == pytest.approx(
        (told["speedup_q75"] - told["speedup_q25"]) / told["speedup"]
    )
    for name in ("dense", "masked", "shrunk"):
        assert told[f"{name}_q25_s"] <= told[f"{name}_s"] <= told[f"{name}_q75_s"]
    assert told["busy"] == (
        told["spread"] > told["spread_limit"] or told["others_cores"] > told["others_limit"]
    )
