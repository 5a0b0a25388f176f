"""The paper's tables beside the user's runs, and forms that are filled from an address."""

import shlex
from pathlib import Path

import pytest

from app.charts.paper import OWN, PAPER
from app.paper.frames import DIFFERENCE, RELATIVE, chart_frame, printed_table
from app.paper.start import query_of
from finegates.groups.plan import plan
from finegates.results.aggregate import points, run_rows
from finegates.results.paper import BACKBONES, TABLES, cells_of
from finegates.results.paper_runs import Comparison, compare, fills
from finegates.runs.folder import list_runs
from tests.app.components import codes
from tests.app.test_pages import texts
from tests.fake_results import DATA, in_state, result, result_on

ROBERTA = BACKBONES["roberta-base"]
RTE = {"task": "rte", "model": ROBERTA, "target_sparsity": 0.0}


def own_runs(runs_dir: Path) -> None:
    for seed, score in enumerate((0.80, 0.84, 0.82)):
        result(runs_dir, score, seed=seed, **RTE)
    result(runs_dir, 0.8, method="full", seed=0, task="rte", model=ROBERTA)


def comparisons(runs_dir: Path, table: int = 2) -> list[Comparison]:
    runs = list_runs(runs_dir)
    rows = [run.row() for run in runs]
    return compare(cells_of(table, "roberta-base"), points(run_rows(runs)), rows)


def table_of(app, column: str):
    """The one table of the page that has this column."""
    (found,) = [t.value for t in app.dataframe if column in t.value.columns]
    return found


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("shown", ["Score", RELATIVE])
def test_every_table_opens_without_runs_and_shows_the_paper(visit, table, shown):
    app = visit("paper", table=f"Table {table}", shown=shown)
    assert not app.exception and not app.error
    printed = table_of(app, "who")
    assert {*printed["who"]} == {PAPER} and "**0** of " in texts(app)
    assert "arXiv 2412.12951" in texts(app) and len(app.get("vega_lite_chart")) == 1


def test_figures_stand_as_they_are_printed(visit):
    printed = table_of(visit("paper"), "who").set_index("row")
    assert printed.loc["finegates (-25M)", "CoLA"] == pytest.approx(0.614)
    assert printed.loc["lora-fa", "SST2"] != printed.loc["lora-fa", "SST2"]  # not in the paper


def test_medians_and_differences_stand_below_the_figure(runs_dir, visit):
    own_runs(runs_dir)
    printed = table_of(visit("paper"), "who").set_index(["row", "who"])
    assert printed.loc[("finegates", OWN), "RTE"] == pytest.approx(0.82)
    assert printed.loc[("finegates", DIFFERENCE), "RTE"] == pytest.approx(0.82 - 0.834)
    assert ("lora", OWN) not in printed.index


def test_relative_scores_are_of_each_ones_own_full_fine_tuning(runs_dir):
    own_runs(runs_dir)
    printed = printed_table(comparisons(runs_dir), RELATIVE).set_index(["row", "who"])
    assert printed.loc[("finegates", PAPER), "RTE"] == pytest.approx(100 * 83.4 / 80.5)
    assert printed.loc[("finegates", OWN), "RTE"] == pytest.approx(100 * 0.82 / 0.8)
    chart = chart_frame([c for c in comparisons(runs_dir) if c.cell.task == "rte"], RELATIVE)
    own = chart[(chart["who"] == OWN) & (chart["row"] == "finegates")].iloc[0]
    assert (own["low"], own["high"]) == (pytest.approx(100.0), pytest.approx(105.0))


def test_spread_and_what_is_missing_are_told(runs_dir, visit):
    own_runs(runs_dir)
    in_state(result(runs_dir, None, seed=3, **RTE), "queued", ended=None)
    cells = table_of(visit("paper"), "difference").set_index("row")
    row = cells.loc["finegates"]
    assert (row["low"], row["high"], row["seeds"]) == (0.8, 0.84, 3)
    assert (row["under_way"], row["missing"]) == ("3", "4")


def test_what_a_cell_asks_for_is_not_told_as_tuning(runs_dir, visit):
    given = {"task": "sst2", "model": ROBERTA, "method": "full", "max_train_samples": 10_000}
    result_on(DATA | {"num_train": 10_000}, runs_dir, 0.9, epochs=3, **given)
    cells = table_of(visit("paper"), "difference").set_index("row")
    assert cells.loc["full", "with"] == "epochs=3"


def test_runs_with_another_model_are_in_a_table_of_their_own(runs_dir, visit):
    result(runs_dir, 0.7, task="rte", target_sparsity=0.0)
    app = visit("paper")
    assert {*table_of(app, "who")["who"]} == {PAPER}
    apart = table_of(app, "why")
    assert apart["why"].tolist() == ["another model: minilm"]
    assert "which are of **roberta-base**" in texts(app)


def test_the_sweep_that_fills_a_task_is_a_command_and_an_address(visit):
    app = visit("paper", paper_task="SST2")
    command = codes(app)[0]
    assert command.startswith("python -m finegates sweep --methods full,lora,finegates ")
    assert "--seeds 0,1,2,3,4 --task sst2" in command and "--max-train-samples 10000" in command
    (fill,) = fills(Comparison(c) for c in cells_of(2, "roberta-base") if c.task == "sst2")
    sweep = visit("new_sweep", **query_of(fill, "again"))
    assert not sweep.exception and not sweep.error
    assert shlex.split(codes(sweep)[0]) == fill.command("again")


@pytest.mark.parametrize("table", TABLES)
def test_the_form_that_is_filled_from_an_address_asks_for_the_same_runs(visit, table):
    fill = fills(Comparison(c) for c in cells_of(table, "roberta-base"))[-1]
    app = visit("new_sweep", **query_of(fill, "again"))
    assert app.selectbox(key="new_glue_task").value == fill.task
    assert app.text_input(key="new_hub_id").value == ROBERTA
    cells = plan(fill.methods, fill.targets, fill.seeds)
    assert f"Start {len(cells):,} runs" == app.button(key="start").label
    for name, value in fill.settings.items():
        assert app.number_input(key=f"sweep.{name}").value == value


def test_rows_that_are_not_chosen_are_not_started(visit):
    app = visit("paper", paper_task="RTE")
    app.multiselect(key="fill_2_roberta-base_rte").set_value(["vera"]).run()
    assert [c.split(" --seeds")[0] for c in codes(app)] == [
        "python -m finegates sweep --methods vera"
    ]
    app.multiselect(key="fill_2_roberta-base_rte").set_value([]).run()
    assert not codes(app) and "No row is chosen." in texts(app)


def test_a_cell_with_every_seed_has_nothing_to_start(runs_dir, visit):
    for seed in range(5):
        result(runs_dir, 0.8, seed=seed, **RTE)
    app = visit("paper", paper_task="RTE")
    app.multiselect(key="fill_2_roberta-base_rte").set_value(["finegates"]).run()
    assert not codes(app) and "Nothing is missing here." in texts(app)


# Forms filled from an address


def test_what_is_typed_after_a_link_stays(visit):
    app = visit("new_sweep", task="rte", methods="vera", seeds="3", first_seed="2")
    assert app.multiselect(key="sweep_removing").value == []
    assert "--seeds 2,3,4" in codes(app)[0]
    app.number_input(key="sweep_seeds").set_value(1).run()
    assert "--seeds 2 " in codes(app)[0] and "rte" in codes(app)[0]


def test_a_target_that_is_not_in_the_list_is_taken_as_typed(visit):
    app = visit("new_sweep", targets="0,0.141,0.14,0.4")
    assert app.multiselect(key="sweep_targets").value == [0, "14.1", "14", 40]
    assert "--targets 0.0,0.14,0.141,0.4" in codes(app)[0]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"task": "rtee"}, "Unknown task 'rtee'. Did you mean 'rte'"),
        ({"methods": "vera,finegate"}, "Unknown method 'finegate'"),
        ({"targets": "2"}, "targets is 2.0; allowed is 0.0 to 0.95"),
        ({"name": "../up"}, "'../up' can't be a group's name"),
        ({"seeds": "99"}, "seeds is 99; allowed is 1 to 50"),
        ({"max_train_samples": "many"}, "max_train_samples has 'many' in it"),
    ],
)
def test_an_address_that_can_not_be_is_told_and_changes_nothing(visit, given, told):
    app = visit("new_sweep", model=ROBERTA, **given)
    assert not app.exception and "is not here" in app.error[0].value
    assert any(told in t.value for t in app.get("text"))
    assert "Start 8 runs" in app.button(key="start").label
    assert app.selectbox(key="new_model_kind").value.startswith("MiniLM")


def test_what_a_link_chose_is_kept_when_the_page_is_left(visit):
    app = visit("new_sweep", task="rte", methods="vera,finegates", targets="0.35")
    app.switch_page("runs/page.py").run()
    app.switch_page("new/sweep_page.py").run()
    assert app.multiselect(key="sweep_dense").value == ["vera"]
    assert app.multiselect(key="sweep_targets").value == [35]
