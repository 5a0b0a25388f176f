"""Where runs at work stand on the trade-off chart."""

import math

import pytest

from app.tradeoff.growing import growing, is_growing, with_growing
from finegates.results.aggregate import points
from finegates.results.rows import rows_of
from tests.app.fake_runs import make_run


@pytest.fixture
def at_work(tmp_path):
    return make_run(tmp_path, "running", progress=0.5, target_sparsity=0.4)


def test_a_run_at_work_stands_at_what_its_gates_would_remove_now(at_work):
    row = at_work.row()
    (place,) = growing([row], lambda run: 0.31).to_dict("records")
    assert place["removed"] == 0.31 and place["score"] == row["score"]
    assert place["target"] == 0.4 and place["done"] == pytest.approx(0.5, abs=0.01)
    assert math.isnan(place["time"])
    (rounded,) = growing([row], lambda run: None).to_dict("records")
    assert rounded["removed"] == row["removed_weights_fraction"]


def test_what_is_over_dense_or_not_yet_evaluated_does_not_grow(tmp_path, at_work):
    others = [
        make_run(tmp_path),
        make_run(tmp_path, "queued"),
        make_run(tmp_path, "running", progress=0.5, method="full"),
        make_run(tmp_path, "running", progress=0.0),
    ]
    assert [is_growing(run.row()) for run in (at_work, *others)] == [True, *[False] * 4]


def test_a_run_joins_the_panel_of_its_data_or_opens_one(tmp_path, at_work):
    done = make_run(tmp_path, target_sparsity=0.4)
    known = points(rows_of(done, done.row()))
    assert with_growing(known, [at_work.row()]) == known
    (new,) = with_growing([], [at_work.row()])
    assert new.runs == () and new.metric == "accuracy" and new.fingerprint
    other = at_work.row() | {"fingerprint": "1" * 64}
    assert len(with_growing(known, [other])) == len(known) + 1
