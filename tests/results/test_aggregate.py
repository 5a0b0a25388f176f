"""Claims about points: medians over seeds of like runs, what differs kept apart, gaps said."""

import json
import statistics
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finegates.groups.store import Cell
from finegates.results.aggregate import ROUNDED, TRAINED, Point, group_points, points, run_rows
from finegates.results.rows import RunRow, group_rows
from finegates.runs.folder import CURVE_FILE, list_runs
from tests.fake_results import DATA, cell_of, group_of, in_state, result, result_on, with_curve


def points_of(runs_dir, *expected: Cell) -> list[Point]:
    return points(run_rows(list_runs(runs_dir)), expected)


def only(found: list[Point], **wanted) -> Point:
    """The one point with these values."""
    matching = [p for p in found if all(getattr(p, k) == v for k, v in wanted.items())]
    assert len(matching) == 1, (wanted, found)
    return matching[0]


# Medians


def test_seeds_become_a_median_and_a_range(runs_dir):
    runs = [result(runs_dir, score, seed=s) for s, score in ((2, 0.7), (0, 0.9), (1, 0.8))]
    (point,) = points_of(runs_dir)
    assert (point.task, point.metric, point.model) == ("sample", "accuracy", "minilm")
    assert (point.method, point.kind, point.target) == ("finegates", TRAINED, 0.3)
    assert (point.median, point.low, point.high) == (0.8, 0.7, 0.9)
    assert (point.seeds, point.scores) == ((0, 1, 2), (0.9, 0.8, 0.7))
    assert point.runs == (runs[1].id, runs[2].id, runs[0].id)
    assert (point.missing_seeds, point.variant, point.shared) == ((), "", "")
    assert json.loads(json.dumps(asdict(point)))["median"] == 0.8


def row(seed: int, score: float, removed: float) -> RunRow:
    return RunRow(
        "finished", "sst2", "minilm", "finegates", seed, 0.3,
        score=score, removed_weights_fraction=removed,
    )  # fmt: skip


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=7))
def test_the_median_lies_between_the_extremes_and_nothing_is_made_up(values):
    (point,) = points(row(seed, *value) for seed, value in enumerate(values))
    scores, removed = zip(*values, strict=True)
    assert point.scores == scores
    assert point.median == statistics.median(scores)
    assert point.low == min(scores) <= point.median <= max(scores) == point.high
    assert (point.removed_low, point.removed_high) == (min(removed), max(removed))
    assert point.removed == statistics.median(removed)


def test_the_order_of_rows_does_not_matter(runs_dir):
    for seed in (0, 1):
        for method in ("full", "finegates"):
            result(runs_dir, 0.5 + seed / 10, method=method, seed=seed)
    rows = run_rows(list_runs(runs_dir))
    assert points(rows) == points(reversed(rows))


def test_a_seed_that_was_run_again_counts_once_with_its_newest_run(runs_dir):
    result(runs_dir, 0.1, seed=0)
    result(runs_dir, 0.6, seed=1)
    newest = result(runs_dir, 0.8, seed=0)
    (point,) = points_of(runs_dir)
    assert (point.seeds, point.scores, point.runs[0]) == ((0, 1), (0.8, 0.6), newest.id)


@pytest.mark.parametrize("state", ["queued", "failed", "stopped", "lost"])
def test_what_has_not_finished_does_not_count(runs_dir, state):
    result(runs_dir, 0.8, seed=0)
    in_state(result(runs_dir, 0.1, seed=1), state)
    result(runs_dir, None, seed=2)
    (runs_dir / "broken").mkdir()
    (point,) = points_of(runs_dir)
    assert point.scores == (0.8,)


def test_no_rows_are_no_points():
    assert points([]) == []


# What must not be averaged


DIFFERENT = {
    "task": {"task": "cola"},
    "model": {"model": "/elsewhere/bert"},
    "method": {"method": "finegates+lora"},
    "target": {"target_sparsity": 0.2},
    "epochs": {"epochs": 3},
    "max_train_samples": {"max_train_samples": 100},
    "hold-out": {"hold_out_fraction": 0.1},
    "learning rate": {"gate_learning_rate": 0.1},
    "where gates are": {"target_modules": ("q", "v")},
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_runs_that_differ_in_more_than_the_seed_stay_apart(runs_dir, what):
    result(runs_dir, 0.9, seed=0)
    result(runs_dir, 0.1, seed=1, **DIFFERENT[what])
    found = points_of(runs_dir)
    assert sorted(point.scores for point in found) == [(0.1,), (0.9,)]
    names = ("data_name", "model", "method", "target", "variant")
    assert len({tuple(getattr(p, name) for name in names) for p in found}) == 2, "and it shows"


def test_a_variant_says_what_differs_and_not_what_is_shared(runs_dir):
    result(runs_dir, seed=0, batch_size=8, epochs=3, target_modules=("q", "v"))
    result(runs_dir, seed=0, batch_size=8)
    assert [(p.variant, p.shared) for p in points_of(runs_dir)] == [
        ("", "batch_size=8"),
        ("epochs=3, target_modules=q+v", "batch_size=8"),
    ]


def test_runs_on_other_data_stay_apart_and_say_so(runs_dir):
    result(runs_dir, 0.9, seed=0)
    result_on(DATA | {"fingerprint": "b" * 64}, runs_dir, 0.1, seed=1)
    assert {(p.data_name, p.scores) for p in points_of(runs_dir)} == {
        ("sample @aaaaaaaa", (0.9,)),
        ("sample @bbbbbbbb", (0.1,)),
    }


def test_files_are_called_by_their_names_and_data_of_one_name_by_its_size(runs_dir):
    for number, (name, rows) in enumerate((("tickets", 80), ("tickets", 90), ("films", 80))):
        data = {
            "source": f"file:{number:016x}-{name}.csv",
            "fingerprint": f"{number}" * 64,
            "num_train": rows,
        }
        result_on(DATA | data, runs_dir, 0.5, seed=0)
    names = [point.data_name for point in points_of(runs_dir)]
    assert names == ["films", "tickets (80 rows)", "tickets (90 rows)"]


def test_what_a_group_lacks_stands_with_the_data_that_it_has(runs_dir):
    run = result_on(DATA | {"source": "file:tickets.csv"}, runs_dir, 0.5)
    record = run.record | {"spec": run.record["spec"] | {"task": "file", "data": "/x/tickets.csv"}}
    (run.path / "spec.json").write_text(json.dumps(record))
    cells = [cell_of(run), Cell("finegates", 0.3, 7), Cell("full", 0.0, 0)]
    group = group_of(runs_dir, "g", cells, task="file", data="/x/tickets.csv")
    found = group_points(group, runs_dir)
    assert {point.data_name for point in found} == {"tickets"}
    assert [point.missing_seeds for point in found] == [(7,), (0,)]


def test_data_that_another_setting_explains_is_not_told_twice(runs_dir):
    result(runs_dir, seed=0)
    fewer = DATA | {"fingerprint": "b" * 64}
    result_on(fewer, runs_dir, 0.1, seed=0, max_train_samples=100)
    assert {(p.variant, p.shared) for p in points_of(runs_dir)} == {
        ("", ""),
        ("", "max_train_samples=100"),
    }


@pytest.mark.parametrize("settings", [{"device": "auto"}, {"eval_steps": 7}])
def test_where_a_run_trained_and_how_often_it_was_looked_at_tells_nothing_apart(runs_dir, settings):
    result(runs_dir, 0.9, seed=0)
    result(runs_dir, 0.7, seed=1, **settings)
    (point,) = points_of(runs_dir)
    assert point.median == pytest.approx(0.8)


# Relative to full


def test_scores_are_told_in_percent_of_full_on_the_same_data(runs_dir):
    for seed, score in enumerate((0.7, 0.8, 0.9)):
        result(runs_dir, score, method="full", seed=seed)
    result(runs_dir, 0.4, seed=0)
    result(runs_dir, 0.4, seed=0, task="cola")
    found = points_of(runs_dir)
    assert only(found, method="full").relative_to_full == 100.0
    assert only(found, method="finegates", task="sample").relative_to_full == pytest.approx(50.0)
    assert only(found, task="cola").relative_to_full is None


def test_what_started_from_a_fine_tuned_model_is_measured_by_that(runs_dir):
    dense = result(runs_dir, 0.5, method="full", seed=0, epochs=3)
    run = result(runs_dir, 0.6, seed=0, start_from=dense.id, epochs=9)
    in_state(run, "finished", reference_score=0.8)
    point = only(points_of(runs_dir), method="finegates")
    assert point.reference == 0.8 and point.relative_to_full == pytest.approx(75.0)


def test_full_with_the_same_settings_is_the_measure_or_else_the_only_one_there_is(runs_dir):
    result(runs_dir, 0.5, method="full", seed=0)
    result(runs_dir, 0.4, seed=0, epochs=3)
    assert only(points_of(runs_dir), method="finegates").relative_to_full == pytest.approx(80.0)
    result(runs_dir, 0.8, method="full", seed=0, epochs=3)
    assert only(points_of(runs_dir), method="finegates").relative_to_full == pytest.approx(50.0)
    result(runs_dir, 0.4, seed=0, epochs=9)
    assert only(points_of(runs_dir), variant="epochs=9").relative_to_full is None


def test_full_on_other_data_or_without_a_positive_score_is_no_measure(runs_dir):
    result_on(DATA | {"fingerprint": "b" * 64}, runs_dir, 0.5, method="full")
    result(runs_dir, 0.4, seed=0)
    result(runs_dir, 0.0, method="full", seed=0, task="cola")
    result(runs_dir, 0.4, seed=0, task="cola")
    gated = [p for p in points_of(runs_dir) if p.method == "finegates"]
    assert [p.relative_to_full for p in gated] == [None, None]


# Removal


def test_what_was_removed_is_told_beside_the_target(runs_dir):
    for seed, removed in enumerate((0.01, 0.06, 0.02)):
        result_on(DATA, runs_dir, 0.8, removed, method="finegates-official", seed=seed,
                  target_sparsity=0.4)  # fmt: skip
    (point,) = points_of(runs_dir)
    assert point.target == 0.4
    assert (point.removed, point.removed_low, point.removed_high) == (0.02, 0.01, 0.06)


def test_a_dense_run_removed_nothing(runs_dir):
    result(runs_dir, 0.8, method="lora")
    assert points_of(runs_dir)[0].removed == 0.0


# Curves


def test_a_curve_is_points_of_its_own_with_what_was_trained_for(runs_dir):
    for seed in (0, 1):
        with_curve(result(runs_dir, 0.8, seed=seed), {0.1: 0.82, 0.3: (0.7, 0.8)[seed]})
    trained, *rounded = points_of(runs_dir)
    assert (trained.kind, trained.target, trained.trained_target) == (TRAINED, 0.3, None)
    assert [(p.kind, p.target, p.trained_target, p.seeds) for p in rounded] == [
        (ROUNDED, 0.1, 0.3, (0, 1)),
        (ROUNDED, 0.3, 0.3, (0, 1)),
    ]
    assert (rounded[1].low, rounded[1].high, rounded[1].removed) == (0.7, 0.8, 0.3)


def test_a_dense_runs_curve_keeps_its_methods_name(runs_dir):
    with_curve(result(runs_dir, 0.8, method="lora"), {0.0: 0.8, 0.2: 0.5})
    result(runs_dir, 1.0, method="full")
    point = only(points_of(runs_dir), kind=ROUNDED, target=0.2)
    assert (point.method, point.trained_target, point.relative_to_full) == ("lora", 0.0, 50.0)


def test_targets_that_a_sum_spoils_are_one_target(runs_dir):
    with_curve(result(runs_dir, 0.8, seed=0), {0.1 + 0.2: 0.7})
    with_curve(result(runs_dir, 0.8, seed=1), {0.3: 0.9})
    assert only(points_of(runs_dir), kind=ROUNDED).scores == (0.7, 0.9)


def test_runs_trained_for_different_targets_are_not_mixed_when_rounded_to_the_same(runs_dir):
    with_curve(result(runs_dir, 0.8, seed=0), {0.1: 0.7})
    with_curve(result(runs_dir, 0.8, seed=1, target_sparsity=0.2), {0.1: 0.9})
    rounded = [p for p in points_of(runs_dir) if p.kind == ROUNDED]
    assert [(p.trained_target, p.scores) for p in rounded] == [(0.2, (0.9,)), (0.3, (0.7,))]


def test_curves_can_be_left_out(runs_dir):
    with_curve(result(runs_dir, 0.8), {0.1: 0.7})
    assert [r.kind for r in run_rows(list_runs(runs_dir))] == [TRAINED, ROUNDED]
    assert [r.kind for r in run_rows(list_runs(runs_dir), with_curves=False)] == [TRAINED]


@pytest.mark.parametrize(
    "content",
    [
        "", "[]", '{"format_version": 2, "points": []}', '{"format_version": 1}',
        '{"format_version": 1, "points": [3]}',
        '{"format_version": 1, "points": [{"remove": 0.1, "score": "high"}]}',
    ],
)  # fmt: skip
def test_a_damaged_curve_is_said_and_costs_nothing_else(runs_dir, content):
    run = result(runs_dir, 0.8)
    (run.path / CURVE_FILE).write_text(content)
    rows = run_rows(list_runs(runs_dir))
    assert [r.status for r in rows] == ["finished", "broken"]
    assert CURVE_FILE in rows[1].reason
    assert [p.scores for p in points(rows)] == [(0.8,)]


# What is expected


def test_missing_seeds_are_said_and_a_cell_without_any_run_appears_empty(runs_dir):
    runs = [result(runs_dir, 0.8, seed=s, target_sparsity=0.1) for s in (0, 2)]
    in_state(result(runs_dir, 0.8, seed=1, target_sparsity=0.1), "failed")
    wanted = [Cell("finegates", t, s) for t in (0.1, 0.2) for s in (0, 1, 2)]
    half, empty = points_of(runs_dir, *wanted, Cell("full", 0.0, 4))[:2]
    assert (half.target, half.seeds, half.missing_seeds) == (0.1, (0, 2), (1,))
    assert half.runs == tuple(run.id for run in runs)
    assert (empty.target, empty.seeds, empty.missing_seeds) == (0.2, (), (0, 1, 2))
    assert (empty.task, empty.metric, empty.model) == ("sample", "accuracy", "minilm")
    nothing = (empty.median, empty.low, empty.high, empty.removed, empty.relative_to_full)
    assert nothing == (None,) * 5 and empty.scores == () and empty.runs == ()
    full = only(points_of(runs_dir, Cell("full", 0.0, 4)), method="full")
    assert full.missing_seeds == (4,)


def test_a_curve_lacks_the_seeds_that_its_training_lacks_or_that_were_not_evaluated(runs_dir):
    with_curve(result(runs_dir, 0.8, seed=0), {0.1: 0.7})
    result(runs_dir, 0.8, seed=1)
    wanted = [Cell("finegates", 0.3, seed) for seed in (0, 1, 2)]
    found = points_of(runs_dir, *wanted)
    assert only(found, kind=TRAINED).missing_seeds == (2,)
    assert only(found, kind=ROUNDED).missing_seeds == (1, 2)


def test_a_group_tells_its_own_runs_and_gaps_alone(runs_dir):
    mine = result(runs_dir, 0.8, seed=0, epochs=3)
    result(runs_dir, 0.1, seed=1, epochs=3)
    group = group_of(runs_dir, "g", [cell_of(mine), Cell("full", 0.0, 0)], epochs=3)
    gated, full = group_points(group, runs_dir)
    assert (gated.scores, gated.missing_seeds) == ((0.8,), ())
    assert (full.method, full.scores, full.missing_seeds) == ("full", (), (0,))
    assert {p.shared for p in (gated, full)} == {"epochs=3"}


def test_settings_that_a_group_shares_tell_none_of_its_runs_apart(runs_dir):
    """`lora_rank=8` is LoRA's own value and not that of gates alone."""
    runs = [result(runs_dir, seed=0, method=m, lora_rank=8) for m in ("lora", "finegates", "full")]
    group = group_of(runs_dir, "g", [cell_of(run) for run in runs], lora_rank=8, eval_steps=5)
    found = group_points(group, runs_dir)
    assert [(p.variant, p.shared) for p in found] == [("", "lora_rank=8")] * 3


def test_a_group_whose_runs_are_gone_or_broken_has_gaps(runs_dir):
    broken = result(runs_dir, seed=0)
    (broken.path / "spec.json").write_text("{")
    cells = [cell_of(result(runs_dir, seed=1)), Cell("finegates", 0.3, 0, broken.id)]
    group = group_of(runs_dir, "g", [*cells, Cell("finegates", 0.3, 7, "20260101-gone")])
    (point,) = group_points(group, runs_dir)
    assert (point.seeds, point.missing_seeds) == ((1,), (0, 7))


def test_a_group_before_its_first_result_is_all_gaps(runs_dir):
    group = group_of(runs_dir, "g", [Cell("full", 0.0, 0)], task="cola", model="/my/bert")
    (point,) = group_points(group, runs_dir)
    assert (point.task, point.model, point.metric) == ("cola", "/my/bert", "")
    assert point.missing_seeds == (0,)


def test_a_group_of_another_version_still_tells_what_it_lacks(runs_dir):
    group = group_of(runs_dir, "g", [Cell("sorcery", 0.1, 0)], mood="good", task="cola")
    (point,) = group_points(group, runs_dir)
    assert (point.method, point.task, point.missing_seeds) == ("sorcery", "cola", (0,))


def test_groups_can_be_told_together(runs_dir):
    full, gated = result(runs_dir, 0.8, method="full"), result(runs_dir, 0.4)
    one = group_of(runs_dir, "one", [cell_of(full)])
    two = group_of(runs_dir, "two", [cell_of(gated), Cell("finegates", 0.3, 5)])
    found = points([*group_rows(one, runs_dir), *group_rows(two, runs_dir)])
    point = only(found, method="finegates")
    assert (point.relative_to_full, point.missing_seeds) == (pytest.approx(50.0), (5,))
