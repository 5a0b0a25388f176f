"""The comparison of all methods: what is trained, what is chosen on what, and what is told."""

from pathlib import Path

import pytest

from benchmarks.methods import compare, plan, points, short
from benchmarks.methods.costs import step_cost
from benchmarks.methods.picture import picture
from benchmarks.methods.plan import (
    FINAL,
    ROWS,
    SEARCH,
    SEARCHED,
    Sizes,
    group_name,
    rate_setting,
    rates,
)
from benchmarks.methods.points import best_of, compared
from benchmarks.methods.report import END, START, between_marks, tables
from benchmarks.methods.speeds import SPEEDS_FILE
from finegates.files.storage import write_json
from finegates.groups.store import open_group
from finegates.methods import METHODS
from finegates.models.parameters import method_params
from finegates.models.sources import model_sizes
from finegates.results.compared import compared_of, method_scores
from finegates.spec import FIELDS
from tests.fake_compared import record, row
from tests.fake_results import cell_of, group_of, in_state, result

TASK = "rte"


def train(runs_dir: Path, method: str, part: str, number: int, rate: float, score: float | None):
    """A group of the comparison with its one run: failed where there is no score."""
    task = SEARCHED if part == SEARCH else TASK
    settings = {**Sizes().settings(task, part), rate_setting(method): rate}
    cell = plan.cell_of(method, number if part == FINAL else plan.SEARCH_SEED)
    asked = {"method": method, "target_sparsity": cell.target, "seed": cell.seed}
    run = result(runs_dir, score, **settings, **asked)
    if score is None:
        in_state(run, "failed", reason="The disk is full.")
    return group_of(runs_dir, group_name(task, method, part, number), [cell_of(run)], **settings)


def search(runs_dir: Path, method: str, *scores: float | None):
    pairs = zip(rates(method), scores, strict=True)
    return [train(runs_dir, method, SEARCH, i, *pair) for i, pair in enumerate(pairs)]


@pytest.mark.parametrize("method", METHODS)
def test_the_rates_of_every_method_are_allowed_and_its_own_is_the_middle_one(method):
    low, own, high = rates(method)
    meta = FIELDS[rate_setting(method)].metadata
    assert meta["minimum"] < low < own < high <= meta["maximum"]
    assert high / own == pytest.approx(3, rel=0.05) == own / low


@pytest.mark.parametrize(
    ("method", "setting"),
    [
        ("full", "encoder_learning_rate"),
        ("vera", "adapter_learning_rate"),
        ("finegates", "gate_learning_rate"),
        ("finegates+lora", "adapter_learning_rate"),
        ("magnitude-full", "encoder_learning_rate"),
    ],
)
def test_the_rate_that_is_searched_is_of_what_the_method_trains(method, setting):
    assert rate_setting(method) == setting


def test_the_best_rate_on_rows_put_aside_is_trained_with_every_seed(tmp_path, monkeypatch):
    searches = {"lora": (0.5, None, 0.7), "vera": (None, None, None)}
    started = {}

    def start(runs_dir, name, settings, cells, *, start):
        assert not start, "a dispatcher would take them"
        started[name] = settings
        method = cells[0].method
        place = name.partition(SEARCH)[2]
        score = searches[method][int(place)] if place else 0.6
        part, number = (SEARCH, int(place)) if place else (FINAL, cells[0].seed)
        return train(runs_dir, method, part, number, settings[rate_setting(method)], score)

    monkeypatch.setattr(compare, "start_sweep", start)
    monkeypatch.setattr(compare, "carry_out", lambda groups, runs_dir: None)
    compare.train(TASK, [*searches], [0, 1], Sizes(), tmp_path)
    finals = {name: given for name, given in started.items() if FINAL in name}
    assert {*finals} == {group_name(TASK, "lora", FINAL, seed) for seed in (0, 1)}
    assert {given["adapter_learning_rate"] for given in finals.values()} == {rates("lora")[2]}
    aside = {given.get("hold_out_fraction") for name, given in started.items() if SEARCH in name}
    assert aside == {plan.HELD_OUT} and all("hold_out_fraction" not in g for g in finals.values())


def test_what_is_published_has_every_seed_and_why_a_method_has_none(tmp_path, monkeypatch):
    assert best_of(search(tmp_path, "finegates", 0.5, 0.6, None), tmp_path) == rates("finegates")[1]
    for seed, score in enumerate((0.61, None)):
        train(tmp_path, "finegates", FINAL, seed, rates("finegates")[1], score)
    search(tmp_path, "lora", None, None, None)
    group_of(tmp_path, "mine", open_group(tmp_path, group_name(SEARCHED, "lora", SEARCH, 0)).cells)
    monkeypatch.setattr(points, "measured_costs", lambda: {"finegates": {"step_ratio": 1.2}})
    (timed,) = open_group(tmp_path, group_name(TASK, "finegates", FINAL, 0)).runs
    write_json(tmp_path / SPEEDS_FILE, {timed: 1.7})
    found = compared(tmp_path)
    told = [(r["method"], r["seed"], r["state"], r["score"], r["rate"]) for r in found["rows"]]
    own = rates("finegates")[1]
    assert told == [
        ("finegates", 0, "finished", 0.61, own),
        ("finegates", 1, "failed", None, own),
        ("lora", 0, "failed", None, None),
    ]
    first, last = found["rows"][0], found["rows"][-1]
    assert (first["step_ratio"], first["speedup"], found["rows"][1]["speedup"]) == (1.2, 1.7, None)
    assert first["removed_weights_fraction"] == plan.TARGET
    assert [s["score"] for s in found["searches"]["finegates"]] == [0.5, 0.6, None]
    assert last["reason"] == "The disk is full." and len(compared_of(found).runs) == 3
    assert found["settings"]["rows"] == {TASK: ROWS[TASK]} and found["versions"]


def test_an_unknown_method_or_task_is_told(tmp_path):
    words = ["--glue-dir", str(tmp_path), "--runs-dir", str(tmp_path)]
    with pytest.raises(compare.SpecError, match="Did you mean 'lora'"):
        compare.main([*words, "--methods", "lorra"])
    with pytest.raises(compare.SpecError, match="Unknown task 'qnli'"):
        compare.main([*words, "--tasks", "qnli"])


SCORES = method_scores(
    compared_of(
        record(
            row("lora", trained=3000, score=0.7),
            row("lora", seed=1, trained=3000, score=0.8),
            row("vera", trained=2000, score=None, state="failed", reason="no"),
            row("lora-xs", trained=1000, ratio=None),
            row("magnitude", removed=0.4, speedup=1.66, only_answer="positive"),
            row("magnitude", "rte", removed=0.39, score=None, state="failed", reason="no"),
            row("finegates-official", removed=0.03, trained=500),
            row("of-the-future"),
        )
    ).runs
)


def test_the_tables_are_by_trained_parameters_and_by_removed_weights():
    dense, removing = tables(SCORES).split("\n\n")[:2]
    assert dense.splitlines()[0] == "| Dense | trained | step over LoRA's | sst2, accuracy |"
    assert [line.split(" | ")[0].lstrip("| ") for line in dense.splitlines()[2:]] == [
        "lora-xs", "lora", "vera",
    ]  # fmt: skip
    assert "| lora | 3,000 | 1.50 | 75.0 (70.0–80.0) |" in dense
    assert "| vera | 2,000 | 1.50 | failed |" in dense and "| lora-xs | 1,000 | – |" in dense
    official, magnitude = removing.splitlines()[2:]
    assert official == "| finegates-official | 3.0% | – | 500 | 1.50 | 80.0 | – |"
    assert magnitude == "| magnitude | 40.0% | 1.66 | 1,000 | 1.50 | 80.0 † | failed |"


def test_only_what_stands_between_the_marks_is_replaced():
    text = f"before\n{START}\nold\n{END}\nafter\n"
    assert between_marks(text, "new") == f"before\n{START}\nnew\n{END}\nafter\n"


def test_the_picture_shows_what_finished():
    spec = picture(SCORES).to_dict()
    rows = [point["method"] for data in spec["datasets"].values() for point in data]
    assert {*rows} == {"lora", "lora-xs", "magnitude", "finegates-official"}
    assert len(spec["vconcat"]) == 3, "trained, removed, and how fast where it was timed"


@pytest.mark.parametrize("method", ["finegates+lora", "sparta"])
def test_a_step_is_timed_beside_loras_on_the_same_matrices(toy_model_dir, method):
    found = step_cost(method, "cpu", model=str(toy_model_dir), steps=2, length=8)
    assert found["step_ratio_p10"] <= found["step_ratio"] <= found["step_ratio_p90"]
    assert found["training_bytes"] > 0 < found["lora_training_bytes"] and found["step_ms"] > 0


def test_a_method_that_can_not_be_stepped_is_a_row_with_its_error(tmp_path):
    found = step_cost("lora", "cpu", model=str(tmp_path / "none"))
    assert found["method"] == "lora" and found["error"]


def test_a_short_training_is_told_with_what_its_formula_says(tmp_path):
    run = result(tmp_path, 0.55, method="lora", model="minilm", task="sst2")
    told = short._row(run)
    assert (told["method"], told["task"], told["score"]) == ("lora", "sst2", 0.55)
    assert told["of_which_by_formula"] == method_params(run.spec, model_sizes("minilm")) > 0
