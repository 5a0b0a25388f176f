"""Claims about the paper's quoted tables, and about which runs stand beside them."""

import csv
import os
from pathlib import Path

import pytest

from finegates.cli import build_parser
from finegates.errors import DataError
from finegates.methods import METHODS
from finegates.models.parameters import method_params
from finegates.models.sources import KNOWN_CONFIGS
from finegates.results.aggregate import points, run_rows
from finegates.results.paper import (
    BACKBONES,
    CUT_ROWS,
    TABLES,
    TABLES_PATH,
    backbone_of,
    cells_of,
    full_score,
    paper_cells,
)
from finegates.results.paper_runs import Comparison, compare, difference, fills, told_apart
from finegates.results.rows import RunRow
from finegates.runs.folder import list_runs
from finegates.spec import make_spec
from tests.fake_results import DATA, in_state, result, result_on

ROBERTA = BACKBONES["roberta-base"]
NOT_AS_PRINTED = {
    "lora-fa": "the paper trains 1.8M, twelve times what rank 8 on q and v has",
}


def cell_named(row: str, task: str, table: int = 2, backbone: str = "roberta-base"):
    (cell,) = [c for c in cells_of(table, backbone) if (c.row, c.task) == (row, task)]
    return cell


def compared(runs_dir: Path, *cells) -> list[Comparison]:
    runs = list_runs(runs_dir)
    return compare(cells, points(run_rows(runs)), [run.row() for run in runs])


def apart(runs_dir: Path, *cells) -> list[str]:
    runs = list_runs(runs_dir)
    found, rows = points(run_rows(runs)), [run.row() for run in runs]
    return [why for _, why in told_apart(found, rows, compare(cells, found, rows))]


# The tables


def test_the_quoted_figures_are_those_of_the_shared_transcript():
    default = Path(__file__).resolve().parents[3] / "shared" / "paper_tables.csv"
    transcript = Path(os.environ.get("FINEGATES_PAPER_TABLES") or default)
    if not transcript.is_file():
        reason = f"no transcript of the tables at {transcript}; set FINEGATES_PAPER_TABLES to one"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    with transcript.open(newline="") as ours, TABLES_PATH.open(newline="") as shipped:
        assert list(csv.DictReader(shipped)) == list(csv.DictReader(ours))


def test_figures_that_the_paper_speaks_of_are_at_their_place():
    assert len(paper_cells()) == 187
    assert cell_named("finegates", "cola", backbone="roberta-large").score == 71.4
    assert cell_named("finegates (-25M)", "qqp").score == 83.7
    assert cell_named("full", "mnli", table=3).score == 87.6
    assert cell_named("finegates+lora w/o W_I,W_O", "rte", 4).score == 82.3
    assert cell_named("apt, max rank 64", "mrpc", 5).score == 87.9


def test_no_cell_stands_twice_and_every_table_is_there():
    places = [(c.table, c.backbone, c.row, c.task) for c in paper_cells()]
    assert len(places) == len({*places}) and {c.table for c in paper_cells()} == {*TABLES}


@pytest.mark.parametrize("cell", paper_cells(), ids=lambda c: f"{c.table}-{c.row}-{c.task}")
def test_our_recipe_of_a_row_trains_what_the_paper_prints(cell):
    if cell.method is None or not cell.trained_parameters or cell.row in NOT_AS_PRINTED:
        return
    spec = make_spec({"method": cell.method, **cell.settings})
    config = {**KNOWN_CONFIGS[cell.backbone], "type_vocab_size": 1}
    printed = cell.trained_parameters.rstrip("M")
    last_digit = 10.0 ** -len(printed.partition(".")[2])  # some are rounded, others cut
    assert abs(method_params(spec, config) / 1e6 - float(printed)) < last_digit


def test_the_target_of_a_row_removes_as_many_weights_as_its_name_says():
    for backbone, gated in (("roberta-base", 84_934_656), ("roberta-large", 301_989_888)):
        for cell in cells_of(2, backbone):
            named = float(cell.row.partition("(-")[2].rstrip("M)") or 0) * 1e6
            assert abs(cell.target * gated - named) <= 0.001 * gated


def test_methods_of_cells_are_ours():
    assert {c.method for c in paper_cells()} - {None} <= METHODS.keys()
    assert {c.row for c in paper_cells() if c.method is None} <= {"apt, max rank 64"}


@pytest.mark.parametrize("is_method", [True, False])
def test_apts_cell_is_filled_by_runs_of_apt_where_it_is_a_method(monkeypatch, is_method):
    if is_method:
        monkeypatch.setitem(METHODS, "apt", METHODS["sensitivity"])
    else:
        monkeypatch.delitem(METHODS, "apt", raising=False)
    paper_cells.cache_clear()
    cell = cell_named("apt, max rank 64", "mrpc", table=5)
    monkeypatch.undo()
    paper_cells.cache_clear()
    row = RunRow("finished", "mrpc", ROBERTA, "apt", seed=0, target_fraction=cell.target)
    assert (cell.method == "apt") == (not difference(cell, row)) == is_method
    assert bool(Comparison(cell).missing) == is_method


def test_large_tasks_are_cut_but_in_table_3():
    assert cell_named("full", "sst2").train_rows == CUT_ROWS
    assert cell_named("full", "sst2", table=3).train_rows is None
    assert cell_named("full", "cola").train_rows is None


def test_full_fine_tuning_of_the_same_rows_is_what_scores_are_related_to():
    assert full_score(cell_named("finegates", "sst2")) == 92.8
    assert full_score(cell_named("finegates", "sst2", table=3)) == 94.8
    assert full_score(cell_named("finegates+lora", "sst2", table=4)) == 92.8
    assert full_score(cell_named("finegates+lora, rank 16", "mrpc", table=5)) == 90.2


def test_an_unknown_table_or_model_is_told():
    with pytest.raises(DataError, match="Unknown table '6'"):
        cells_of(6, "roberta-base")
    with pytest.raises(DataError, match="Did you mean 'roberta-base'"):
        cells_of(2, "roberta-bas")


@pytest.mark.parametrize(
    ("model", "backbone"),
    [
        ("roberta-base", "roberta-base"),
        ("FacebookAI/roberta-large", "roberta-large"),
        ("/models/roberta-base", "roberta-base"),
        ("somebody/roberta-base", None),
        ("minilm", None),
    ],
)
def test_only_the_papers_own_models_are_its_models(model, backbone):
    assert backbone_of(model) == backbone


# The user's runs


def test_the_median_over_seeds_stands_beside_the_figure(runs_dir):
    cell = cell_named("finegates", "rte")
    for seed, score in enumerate((0.80, 0.84, 0.82)):
        result(runs_dir, score, task="rte", model=ROBERTA, target_sparsity=0.0, seed=seed)
    (found,) = compared(runs_dir, cell)
    assert found.score == pytest.approx(82.0) and found.difference == pytest.approx(82.0 - 83.4)
    assert found.own[0].seeds == (0, 1, 2) and found.missing == (3, 4)


def test_runs_with_another_model_are_told_apart(runs_dir):
    cell = cell_named("finegates", "rte")
    result(runs_dir, 0.8, task="rte", target_sparsity=0.0)
    result(runs_dir, 0.8, task="rte", model=BACKBONES["roberta-large"], target_sparsity=0.0)
    (found,) = compared(runs_dir, cell)
    assert found.own == () and found.missing == (0, 1, 2, 3, 4)
    assert apart(runs_dir, cell) == [
        "another model: FacebookAI/roberta-large", "another model: minilm",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, "2,000 training rows; the paper used 10,000"),
        ({"max_train_samples": 10_000, "target_sparsity": 0.2}, "another target: 20 %"),
        ({"max_train_samples": 10_000, "lora_rank": 4}, "another lora_rank=4"),
        ({"max_train_samples": 10_000, "hold_out_fraction": 0.1}, "hold_out_fraction=0.1"),
        ({"max_train_samples": 10_000, "method": "finegates-hinge"}, "not a row of the table"),
    ],
)
def test_a_run_that_is_not_quite_the_cell_is_told_apart_with_what_differs(runs_dir, settings, why):
    cell = cell_named("finegates", "sst2")
    given = {"task": "sst2", "model": ROBERTA, "target_sparsity": 0.0, **settings}
    result(runs_dir, 0.8, **given)
    assert compared(runs_dir, cell)[0].own == ()
    (reason,) = apart(runs_dir, cell)
    assert why in reason


def test_tuning_makes_variants_of_a_cell_and_the_one_of_most_seeds_is_first(runs_dir):
    cell = cell_named("lora", "rte")
    given = {"task": "rte", "model": ROBERTA, "method": "lora"}
    for seed in (0, 1):
        result(runs_dir, 0.7, seed=seed, epochs=9, **given)
    result(runs_dir, 0.9, seed=0, **given)
    (found,) = compared(runs_dir, cell)
    assert [p.variant for p in found.own] == ["epochs=9", ""]
    assert found.score == pytest.approx(70.0) and apart(runs_dir, cell) == []


def test_seeds_under_way_are_not_started_again(runs_dir):
    cell = cell_named("finegates", "rte")
    given = {"task": "rte", "model": ROBERTA, "target_sparsity": 0.0}
    result(runs_dir, 0.8, seed=0, **given)
    for seed in (1, 2):
        in_state(result(runs_dir, None, seed=seed, **given), "queued", ended=None)
    (found,) = compared(runs_dir, cell)
    assert (found.under_way, found.missing) == ((1, 2), (3, 4))


def test_seeds_that_are_missing_are_such_as_were_never_used(runs_dir):
    cell = cell_named("finegates", "rte")
    for seed in (3, 7):
        result(runs_dir, 0.8, task="rte", model=ROBERTA, target_sparsity=0.0, seed=seed)
    assert compared(runs_dir, cell)[0].missing == (8, 9, 10)


def test_other_tasks_of_the_user_are_no_ones_business(runs_dir):
    result_on(DATA, runs_dir, 0.9, task="sample")
    assert apart(runs_dir, cell_named("full", "rte")) == []


# What fills cells


def test_one_sweep_fills_a_task_of_table_2(runs_dir):
    cells = [c for c in cells_of(2, "roberta-base") if c.task == "sst2"]
    (fill,) = fills(compared(runs_dir, *cells))
    assert fill.methods == ("full", "lora", "finegates") and fill.targets == (0.0, 0.141, 0.294)
    assert fill.seeds == (0, 1, 2, 3, 4) and fill.num_runs == 25
    assert fill.settings == {"max_train_samples": 10_000}


@pytest.mark.parametrize("table", TABLES)
def test_the_sweeps_of_a_table_are_its_cells_and_nothing_else(table):
    cells = [c for c in cells_of(table, "roberta-base") if c.method]
    asked = [
        (fill.task, cell.method, cell.target, tuple(fill.settings.items()))
        for fill in fills(map(Comparison, cells))
        for cell in {c.key: c for c in _plan(fill)}.values()
        if cell.seed == 0
    ]
    wanted = {
        (c.task, c.method, c.target, tuple(sorted(
            {**c.settings, **({"max_train_samples": c.train_rows} if c.train_rows else {})}.items()
        )))
        for c in cells
    }  # fmt: skip
    assert len(asked) == len({*asked}) and {*asked} == wanted


def _plan(fill):
    options = build_parser().parse_args(fill.command("name")[3:])
    from finegates.commands.sweep import _cells

    assert options.task == fill.task and options.model in BACKBONES.values()
    return _cells(options)


def test_a_cell_that_is_half_done_gets_a_sweep_of_its_own(runs_dir):
    for seed in range(2):
        result(runs_dir, 0.8, task="rte", model=ROBERTA, method="full", seed=seed)
    cells = [cell_named(row, "rte") for row in ("full", "lora", "finegates")]
    found = {fill.methods: fill.seeds for fill in fills(compared(runs_dir, *cells))}
    assert found == {("full",): (2, 3, 4), ("lora", "finegates"): (0, 1, 2, 3, 4)}


def test_a_cell_with_five_seeds_asks_for_nothing(runs_dir):
    for seed in range(5):
        result(runs_dir, 0.8, task="rte", model=ROBERTA, method="full", seed=seed)
    assert fills(compared(runs_dir, cell_named("full", "rte"))) == []


def test_a_method_that_is_not_here_is_never_asked_for(runs_dir):
    cell = cell_named("apt, max rank 64", "mrpc", table=5)
    assert fills(compared(runs_dir, cell)) == []
