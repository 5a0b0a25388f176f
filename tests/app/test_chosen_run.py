"""Claims about the one chosen run, its name, and what is done with it."""

import shutil

import pytest

from app.reading.runs import run_rows
from app.rows import best_gated, gates_first, opens
from app.widgets.opening import still_there
from finegates.runs.bin import delete_run, list_bin
from finegates.runs.folder import list_runs
from finegates.runs.notes import read_notes, rename_run
from finegates.runs.status import STOP_FILE
from tests.app.fake_runs import make_run
from tests.app.test_pages import texts
from tests.app.test_runs_page import tick


def test_what_is_chosen_on_one_page_is_chosen_on_the_next(visit, runs_dir):
    runs = [make_run(runs_dir, seed=seed) for seed in range(3)]
    app = visit("prune", run=runs[0].id)
    app.selectbox(key="run_box").set_value(runs[1].id).run()
    assert runs[1].id in app.query_params["run"]
    app.switch_page("dimensions/page.py").run()
    assert app.selectbox(key="run_box").value == runs[1].id and not app.exception


def test_an_address_wins_over_what_was_chosen(visit, runs_dir):
    runs = [make_run(runs_dir, seed=seed) for seed in range(2)]
    app = visit("prune", run=runs[0].id)
    app.query_params["run"] = runs[1].id
    app.run()
    assert app.selectbox(key="run_box").value == runs[1].id


def test_pages_open_on_the_best_run_with_gates_of_the_largest_data_set(visit, runs_dir):
    make_run(runs_dir, fingerprint="a" * 64, score=0.99)
    best = make_run(runs_dir, target_sparsity=0.4, score=0.8)
    make_run(runs_dir, method="full", score=0.95)
    make_run(runs_dir, method="magnitude", target_sparsity=0.6)
    make_run(runs_dir, "failed", progress=0.5, target_sparsity=0.9)
    assert best_gated(run_rows(runs_dir)) == best.id
    for page in ("live", "dimensions", "prune"):
        assert visit(page).selectbox(key="run_box").value == best.id
    assert best_gated([]) is None


def test_runs_at_work_come_first_then_gates_then_baselines(visit, runs_dir):
    gated, curve, dense = (make_run(runs_dir, method=m) for m in ("finegates", "finegates", "full"))
    shutil.rmtree(curve.path / "gates")
    waiting = make_run(runs_dir, "queued", method="lora")
    rows = {row["run"]: row for row in run_rows(runs_dir)}
    ids = [row["run"] for row in gates_first(rows.values())]
    assert ids == [waiting.id, gated.id, curve.id, dense.id]
    assert list(visit("runs").dataframe[0].value["run"]) == ids
    by_time = visit("runs", sort="Created").dataframe[0].value["run"]
    assert list(by_time) == [waiting.id, dense.id, curve.id, gated.id]
    assert [opens(rows[run.id]) for run in (gated, curve, dense)] == [True, False, False]


def test_a_run_without_gates_says_that_it_is_a_curve_only(visit, runs_dir):
    run = make_run(runs_dir)
    shutil.rmtree(run.path / "gates")
    app = visit("runs", run=run.id)
    assert app.dataframe[0].value["keeps"][0] == "curve only" and "curve only" in texts(app)
    links = {link.proto.label for link in app.get("page_link")}
    assert "Live" in links and not links & {"Dimensions", "Prune & time"}
    for page in ("dimensions", "prune"):
        app = visit(page, run=run.id)
        assert "does not carry its gate values" in app.info[0].value and not app.exception
        assert "Errno" not in texts(app)


def test_a_run_that_was_deleted_meanwhile_is_not_acted_on(visit, runs_dir):
    runs = [make_run(runs_dir, "running", progress=0.5, seed=seed) for seed in range(2)]
    app = visit("live", run=runs[0].id, runs=[runs[0].id])
    shutil.move(runs[0].path, runs_dir.parent / "elsewhere")
    app.button(key=f"Stop-{runs[0].id}").click().run()
    assert not app.exception and not (runs[1].path / STOP_FILE).exists()
    assert app.selectbox(key="run_box").value is None and not app.metric
    assert f"There is no run '{runs[0].id}'" in app.warning[0].value
    assert not still_there(runs[0]) and still_there(runs[1])


@pytest.mark.parametrize("page", ["live", "dimensions", "prune", "runs", "compare"])
def test_a_deleted_run_is_restored_where_it_is_missed(visit, runs_dir, page):
    run, other = make_run(runs_dir), make_run(runs_dir, seed=1)
    delete_run(run)
    app = visit(page, run=run.id)
    assert "lies in the bin" in app.warning[0].value and not app.metric
    app.button(key=f"restore-{run.id}").click().run()
    assert not list_bin(runs_dir) and {run, other} == {*list_runs(runs_dir)}
    assert app.selectbox(key="run_box").value == run.id and not app.exception


def test_a_run_is_renamed_and_found_by_its_name(visit, runs_dir):
    run, _ = make_run(runs_dir), make_run(runs_dir, seed=1)
    app = visit("runs")
    tick(app, run)
    app.text_input(key=f"name-{run.id}").set_value("My favourite")
    app.button(key=f"rename-{run.id}").click().run()
    assert read_notes(run.path).name == "My favourite" and not app.exception
    app.text_input(key="filter").set_value("favourite").run()
    assert list(app.dataframe[0].value["name"]) == ["My favourite"]
    app.text_input(key="filter").set_value("seed 1").run()
    assert len(app.dataframe[0].value) == 1


def test_runs_of_one_name_are_told_apart_where_they_are_chosen(visit, runs_dir):
    runs = [make_run(runs_dir) for _ in range(2)]
    for run in runs:
        rename_run(run.path, "Twins")
    options = visit("prune", run=runs[0].id).selectbox(key="run_box").options
    assert len({*options}) == 2 and all(option.startswith("Twins (") for option in options)


def test_a_run_is_opened_from_the_box_next_to_the_table(visit, runs_dir):
    run, _ = make_run(runs_dir), make_run(runs_dir, seed=1)
    app = visit("runs")
    app.selectbox(key="open_a_run").set_value(run.id).run()
    assert app.selectbox(key="run_box").value == run.id and app.title[0].value == "Live"
