"""Runs side by side: one colour each, honest differences, and only what differs."""

import csv
import io
import json
from dataclasses import replace

import pandas as pd
import pytest

from app.charts import compare
from app.curves.data_facts import DATA_SETTINGS
from app.curves.frames import differences, differences_csv, names_of, numbers, smoothed
from app.reading.curves import curves_of
from app.reading.one_run import facts_of
from app.words import NOTHING
from finegates.data.remedies import REMEDIES
from finegates.runs.folder import Run
from finegates.runs.notes import rename_run
from finegates.runs.status import write_status
from tests.app.fake_runs import make_run
from tests.app.test_pages import texts


@pytest.fixture
def runs(runs_dir) -> list[Run]:
    return [
        make_run(runs_dir, target_sparsity=0.4, score=0.86, lora_rank=0),
        make_run(runs_dir, target_sparsity=0.2, score=0.80, seed=1),
        make_run(runs_dir, method="full", score=0.90, learning_rate=5e-4),
    ]


def ids_of(runs) -> list[str]:
    return [run.id for run in runs]


def spec_of(app, name: str) -> dict:
    (found,) = [c for c in app.get("vega_lite_chart") if c.proto.alt.startswith(name)]
    return json.loads(found.proto.spec)


def scales_of(spec: dict, channel: str) -> list[dict]:
    return [layer["encoding"][channel]["scale"] for layer in spec["layer"]]


def test_each_run_has_one_colour_in_all_charts(visit, runs):
    app = visit("compare", runs=ids_of(runs))
    assert not app.exception and not app.error
    names = ["finegates · 40% · seed 0", "finegates · 20% · seed 1", "full · seed 0"]
    for name in ("Loss of 3", "Accuracy of 3", "Weights removed of 2"):
        for scale in scales_of(spec_of(app, name), "color"):
            assert scale == {"domain": names, "range": list(compare.COLORS[:3])}
    assert list(app.dataframe[0].value["name"]) == names
    looks = {(compare.color_of_run(n), *compare.dash_of_run(n)) for n in range(compare.MOST_RUNS)}
    assert len(looks) == compare.MOST_RUNS


def test_final_numbers_and_their_differences_are_those_of_the_runs(visit, runs):
    table = visit("compare", runs=ids_of(runs)).dataframe[0].value
    scores = [run.status().score for run in runs]
    assert list(table["score"]) == scores and list(table["run"]) == ids_of(runs)
    assert list(table["d_score"][1:]) == pytest.approx([s - scores[0] for s in scores[1:]])
    assert pd.isna(table["d_score"][0])
    removed = [run.status().removed_weights_fraction for run in runs[:2]]
    assert list(table["removed"][:2]) == pytest.approx([100 * r for r in removed], abs=0.01)
    assert table["d_removed"][1] == pytest.approx(100 * (removed[1] - removed[0]), abs=0.02)
    assert pd.isna(table["removed"][2]) and pd.isna(table["d_removed"][2])
    reverse = visit("compare", runs=ids_of(runs)[::-1]).dataframe[0].value
    assert reverse["d_score"][2] == pytest.approx(scores[0] - scores[2])


def test_only_what_differs_is_shown_until_all_is_asked_for(visit, runs):
    app = visit("compare", runs=ids_of(runs))
    few = app.dataframe[1].value
    shown = set(few["name"])
    assert {"method", "target_sparsity", "seed", "learning_rate"} <= shown
    assert not {"epochs", "Data set", "Version of its rows", "torch"} & shown
    app.toggle(key="equal").set_value(True).run()
    every = app.dataframe[1].value
    settings = {name for name in runs[0].spec.to_dict() if name not in DATA_SETTINGS}
    assert settings | {"Data set", "Labels", "torch", "python"} <= set(every["name"])
    assert set(every["part"]) == {"setting", "data", "version"}
    hidden = len(every) - len(few)
    assert f"{hidden} equal rows are hidden" in texts(visit("compare", runs=ids_of(runs)))


def run_of_file(runs_dir, name: str, fingerprint: str, **settings) -> Run:
    run = make_run(runs_dir, data=f"/home/me/up/{name}", fingerprint=fingerprint, **settings)
    record = json.loads((run.path / "spec.json").read_text())
    record["data"]["source"] = f"file:{name}"
    (run.path / "spec.json").write_text(json.dumps(record))
    return run


def test_what_differs_in_the_data_is_told_in_words_without_hash_or_path(visit, runs_dir):
    first, other = (f"{digit * 16}-tickets.csv" for digit in "ab")
    runs = [
        run_of_file(runs_dir, first, "1" * 64, label_column="queue"),
        run_of_file(
            runs_dir, other, "2" * 64, label_column="team", cleaning=("drop_repeats",),
            separator="semicolon", validation_data=f"/home/me/up/{first}",
        ),
    ]  # fmt: skip
    table = visit("compare", runs=ids_of(runs)).dataframe[1].value
    assert set(table["part"]) == {"data"}
    found = {name: tuple(values) for name, *values in table.drop(columns="part").to_numpy()}
    assert found == {
        "Version of its rows": ("A", "B"),
        "Mended first": (NOTHING, REMEDIES["drop_repeats"].label),
        "Columns parted by": ("as found", "semicolon"),
        "Column of the label": ("queue", "team"),
        "Second file, for validation": (NOTHING, "tickets.csv"),
    }
    app = visit("compare", runs=ids_of(runs), equal="true")
    every = app.dataframe[1].value
    (line,) = every[every["name"] == "Data set"].to_numpy().tolist()
    assert line == ["data", "Data set", "tickets", "tickets"]
    assert not every.map(lambda cell: "/home" in str(cell) or "aaaa" in str(cell)).any(axis=None)


def test_versions_that_differ_are_told(runs):
    path = runs[1].path / "spec.json"
    record = json.loads(path.read_text())
    record["versions"]["torch"] = "1.0"
    path.write_text(json.dumps(record))
    found = differences(
        [facts_of(runs[0]), facts_of(Run(runs[1].path))], ["a", "b"], show_all=False
    )
    line = found[found["name"] == "torch"].iloc[0]
    assert line["part"] == "version" and line["b"] == "1.0" != line["a"]


def test_the_export_is_named_by_ids_and_disarmed(runs):
    frame = differences([facts_of(run) for run in runs[:2]], ["a", "b"], show_all=False)
    frame.loc[0, "a"] = "=1+1"
    lines = list(csv.reader(io.StringIO(differences_csv(frame, ids_of(runs[:2])))))
    assert lines[0] == ["part", "name", *ids_of(runs[:2])]
    assert len(lines) == 1 + len(frame) and lines[1][2] == "'=1+1"


def test_equal_runs_are_said_to_be_equal(visit, runs_dir):
    same = [make_run(runs_dir), make_run(runs_dir)]
    app = visit("compare", runs=ids_of(same))
    assert "all equal" in app.info[0].value and not app.exception
    names = list(app.dataframe[0].value["name"])
    assert len({*names}) == 2 and all(n.startswith("finegates · 30% · seed 0 (") for n in names)


def test_names_say_what_tells_runs_apart_and_are_never_twice(runs_dir):
    rows = [make_run(runs_dir).row(), make_run(runs_dir, task="sst2", glue_dir="/x").row()]
    assert names_of(rows) == [
        "sample · finegates · 30% · seed 0",
        "SST-2 · finegates · 30% · seed 0",
    ]
    twins = [{**rows[0], "run": "x-12345678"}, {**rows[0], "run": "y-12345678"}]
    assert [name[-9:] for name in names_of(twins)] == ["…12345678", "…12345678"]


def test_a_run_is_called_by_its_own_name(runs):
    rename_run(runs[0].path, "The one")
    rows = [run.row() for run in runs]
    assert names_of(rows)[0] == "The one" and names_of(rows)[2] == "full · seed 0"


def test_smoothing_is_a_running_mean_of_each_run_alone(visit, runs):
    train = pd.DataFrame({"name": ["a"] * 3 + ["b"] * 2, "task_loss": [1.0, 2, 3, 10, 10]})
    assert list(smoothed(train, 1)["smoothed"]) == list(train["task_loss"])
    strong = smoothed(train, 5)["smoothed"]
    assert strong[2] == pytest.approx(train["task_loss"][:3].ewm(span=5).mean()[2])
    assert list(strong[3:]) == pytest.approx([10, 10])
    last = visit("compare", runs=ids_of(runs), smoothing="1").dataframe[0].value["loss"]
    for run, loss in zip(runs, last, strict=True):
        assert loss == pytest.approx(curves_of(run)[0]["task_loss"].iloc[-1])


def test_minutes_begin_with_the_first_step_of_each_run(visit, runs):
    chart = spec_of(visit("compare", runs=ids_of(runs), across="minutes"), "Loss")
    assert chart["layer"][0]["encoding"]["x"]["field"] == "minutes"


@pytest.mark.parametrize("number", [0, 1])
def test_too_few_runs_say_what_to_do(visit, runs, number):
    app = visit("compare", runs=ids_of(runs)[:number])
    told = "one more run" if number else "two or more runs"
    assert f"Choose {told}" in texts(app) and not app.exception and not app.dataframe


def test_runs_of_the_address_that_are_not_there_are_told(visit, runs):
    app = visit("compare", runs=[*ids_of(runs), "nothing"])
    assert "Unknown run 'nothing'" in app.error[0].value
    assert len(app.dataframe[0].value) == 3


def test_a_broken_run_is_told_and_the_others_are_compared(visit, runs):
    (runs[0].path / "spec.json").write_text("{")
    app = visit("compare", runs=ids_of(runs))
    assert "can't be compared" in app.error[0].value and runs[0].id in app.error[0].value
    assert list(app.dataframe[0].value["run"]) == ids_of(runs[1:]) and not app.exception
    (runs[1].path / "status.json").write_text("[]")
    assert "Choose one more run" in texts(visit("compare", runs=ids_of(runs)))


def test_runs_that_have_logged_nothing_yet_do_not_take_the_page_down(visit, runs_dir, runs):
    queued = make_run(runs_dir, "queued")
    (runs[1].path / "metrics.jsonl").write_text('{"kind": "train", "step": 5}\n{cut')
    app = visit("compare", runs=[queued.id, *ids_of(runs)])
    assert not app.exception and len(app.dataframe[0].value) == 4
    assert app.dataframe[0].value["d_score"].isna().all()
    alone = visit("compare", runs=[queued.id, make_run(runs_dir, "queued").id])
    assert not alone.exception and "Comes with the first log line" in texts(alone)


def test_what_can_not_be_compared_is_said(visit, runs_dir, runs):
    other = make_run(runs_dir, fingerprint="1" * 64)
    assert "different data" in visit("compare", runs=[runs[0].id, other.id]).warning[0].value
    status = runs[1].status()
    write_status(runs[1].path, replace(status, metric="pearson"))
    app = visit("compare", runs=ids_of(runs))
    assert "different data sets or metrics" in app.warning[0].value
    assert spec_of(app, "Score of 3")
    assert not visit("compare", runs=[runs[0].id, runs[2].id]).warning


def test_more_runs_than_can_be_told_apart_are_cut_with_words(visit, runs_dir):
    many = [make_run(runs_dir, "queued", seed=seed).id for seed in range(compare.MOST_RUNS + 1)]
    app = visit("compare", runs=many)
    assert "13 runs are chosen; the first 12 are shown" in app.warning[0].value
    assert len(app.dataframe[0].value) == 12


def test_a_live_run_grows_in_the_charts(visit, runs_dir, runs):
    live = make_run(runs_dir, "running", progress=0.5)
    before = len(curves_of(live)[0])
    with open(live.path / "metrics.jsonl", "a") as file:
        file.write('{"kind": "train", "step": 999, "time": 1, "task_loss": 0.1}\n')
    assert len(curves_of(live)[0]) == before + 1
    assert not visit("compare", runs=[runs[0].id, live.id]).exception


def test_numbers_of_one_run_have_no_differences(runs):
    frame = numbers([runs[0].row()], [None])
    assert frame.filter(like="d_").isna().all().all()


def test_ticked_runs_are_opened_in_compare_in_the_order_of_their_ticks(visit, runs):
    app = visit("runs")
    app.session_state["ticked_runs"] = ids_of(runs)
    app.run()
    (link,) = [e for e in app.get("page_link") if e.proto.label == "Compare"]
    assert link.proto.query_string == "&".join(f"runs={run}" for run in ids_of(runs))
