"""One record for one cut, whichever way the cut is asked for and whoever reads it."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from finegates.errors import RunError
from finegates.gates.cuts import AS_TRAINED, Cut
from finegates.gates.laws import GaussianLaw
from finegates.gates.layout import GatedMatrix, GateLayout
from finegates.gates.removal import gates_to_close, removal
from finegates.gates.snapshots import Snapshot, save_snapshot
from finegates.results.aggregate import points, run_rows
from finegates.results.tables import as_text, blocks_of
from finegates.runs.folder import GATES_FOLDER
from finegates.runs.label_errors import error_words, unit_number
from finegates.runs.measurements import (
    NOTHING_REMOVED,
    TIMINGS_FILE,
    at_cut,
    keep_generation,
    keep_points,
    keep_timing,
    read_generations,
    read_points,
    read_timings,
)
from finegates.runs.status import write_status
from tests.fake_results import GENERATION, result
from tests.jobs.test_tasks import TIMING

LAYOUT = GateLayout(tuple(GatedMatrix(0, role, 40, 40) for role in ("q", "o")), 4, 4)
LAW = GaussianLaw()


@pytest.fixture
def means():
    """Of gates of which training has closed what removes 40% of the weights."""
    means = np.random.default_rng(0).uniform(-0.3, 0.4, LAYOUT.num_gates).astype(np.float32)
    closed = gates_to_close(LAYOUT, means, 0.4)
    return np.where(closed, means - 1, means).astype(np.float32)


@pytest.fixture
def run(runs_dir, means):
    run = result(runs_dir, 0.8, target_sparsity=0.4)
    (run.path / GATES_FOLDER).mkdir()
    save_snapshot(run.path / GATES_FOLDER, Snapshot(9, LAYOUT, LAW, means), full_precision=True)
    status = replace(run.status(), metrics={"accuracy": 0.8}, closed_gates_fraction=0.2)
    write_status(run.path, status)
    return run


def closed_at(means, cut):
    return int(gates_to_close(LAYOUT, means, cut.remove).sum())


@pytest.mark.parametrize("cut", [None, AS_TRAINED, Cut(remove=0.4), Cut(threshold=1e-5)])
def test_the_cut_as_trained_has_the_runs_own_score_however_it_is_asked_for(run, means, cut):
    known = at_cut(run, cut)
    assert known.as_trained and known.point["score"] == 0.8 and known.timing is None
    assert known.point["metrics"] == {"accuracy": 0.8} and known.dense is None
    assert known.point["closed_gates"] == closed_at(means, Cut(remove=0.4))
    keep_timing(run, {**TIMING, "closed_gates": known.point["closed_gates"]})
    assert at_cut(run, cut).timing["speedup"] == 2.0


def test_another_cut_is_known_once_it_was_scored_and_then_by_its_gates(run, means):
    other = Cut(remove=0.6)
    assert at_cut(run, other).point is None and not at_cut(run, other).as_trained
    closed = gates_to_close(LAYOUT, means, 0.6)
    counts = removal(LAYOUT, closed)
    point = {"remove": 0.6, "threshold": None, "score": 0.7, "metrics": {"accuracy": 0.7},
             "removed_weights_fraction": counts.removed_weights_fraction,
             "closed_gates": counts.closed_gates}  # fmt: skip
    keep_points(run, [point, {**point, "remove": 0.0, "closed_gates": 0, "score": 0.9}])
    same = Cut(threshold=float(LAW.value(means)[closed].max()))
    assert at_cut(run, other).point["score"] == at_cut(run, same).point["score"] == 0.7
    assert at_cut(run, same).point["threshold"] == same.threshold
    assert at_cut(run, same).dense["score"] == at_cut(run, NOTHING_REMOVED).point["score"] == 0.9


def test_a_dense_runs_own_score_is_that_of_nothing_removed(runs_dir):
    run = result(runs_dir, 0.9, method="lora")
    assert at_cut(run, NOTHING_REMOVED).point["score"] == at_cut(run, Cut(remove=0.2)).dense[
        "score"
    ] == 0.9  # fmt: skip
    assert at_cut(run, Cut(remove=0.2)).point is None


def test_records_of_tasks_that_end_together_are_all_kept(run):
    scored = {"score": 0.5, "removed_weights_fraction": 0.1}
    with ThreadPoolExecutor(8) as tasks:
        for number in range(24):
            tasks.submit(keep_points, run, [{"remove": number / 100, **scored}])
            tasks.submit(keep_timing, run, {**TIMING, "batch_size": number})
    assert len(read_points(run)) == len(read_timings(run)) == 24


def test_the_table_has_the_speed_up_of_the_same_record(run, means):
    count = closed_at(means, Cut(remove=0.4))
    keep_timing(run, {**TIMING, "closed_gates": count, "speedup": 1.4, "batch_size": 1})
    keep_timing(run, {**TIMING, "closed_gates": count, "speedup": 1.73})
    table = points(run_rows([run]))
    assert [point.speedup for point in table] == [at_cut(run, None).timing["speedup"]] == [1.73]
    assert [" ".join(line.split()) for line in as_text(blocks_of(table)).splitlines()][3:5] == [
        "speed-up 40%", "finegates 1.73",
    ]  # fmt: skip


def test_the_table_has_the_error_in_the_labels_unit(run):
    metrics = {"pearson": 0.8, "rmse": 31_204.4, "rmse_of_mean": 85_578.7}
    write_status(run.path, replace(run.status(), metric="pearson", metrics=metrics))
    shown = as_text(blocks_of(points(run_rows([run]))))
    assert "80.0 (n=1, RMSE 31,204 of 85,579)" in shown and "label's own unit" in shown


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        ({"pearson": 0.9, "rmse": 0.6123, "rmse_of_mean": 1.468},
         "RMSE 0.612, always answering the mean 1.47"),
        ({"rmse_of_mean": 12345.6}, "RMSE not a number, always answering the mean 12,346"),
        ({"accuracy": 0.9}, ""), ({}, ""), (None, ""),
    ],
)  # fmt: skip
def test_errors_in_words(metrics, words):
    assert error_words(metrics) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0001234, "0.000123"), (3.14159, "3.14"), (999.9, "1,000"), (-25_000.4, "-25,000"),
        (1e20, "1e+20"), (float("nan"), "not a number"),
    ],
)  # fmt: skip
def test_numbers_in_a_labels_unit_are_short(value, words):
    assert unit_number(value) == words


def test_times_of_writing_stand_beside_those_of_passes_and_neither_loses_the_other(run, means):
    count = closed_at(means, Cut(remove=0.4))
    keep_timing(run, {**TIMING, "closed_gates": count})
    keep_generation(run, {**GENERATION, "closed_gates": count})
    keep_generation(run, {**GENERATION, "closed_gates": count, "prompt": 64})
    keep_generation(run, {**GENERATION, "closed_gates": count, "decode_speedup": 1.9})
    keep_timing(run, {**TIMING, "closed_gates": count, "speedup": 1.4})
    assert [(t["prompt"], t["decode_speedup"]) for t in read_generations(run)] == [
        (64, 1.5), (512, 1.9),
    ]  # fmt: skip
    known = at_cut(run, None)
    assert known.generation["decode_speedup"] == 1.9 and known.timing["speedup"] == 1.4
    assert len(read_timings(run)) == 1


def test_damaged_times_of_writing_are_said_and_never_written_over(run):
    content = {"format_version": 1, "timings": [], "generation": [{"prompt": 4}]}
    (run.path / TIMINGS_FILE).write_text(json.dumps(content))
    with pytest.raises(RunError, match="damaged"):
        keep_generation(run, GENERATION)
    assert json.loads((run.path / TIMINGS_FILE).read_text()) == content
