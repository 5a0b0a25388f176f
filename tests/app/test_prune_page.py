"""Pruning a finished run from its page: what a cut closes at once, and what is measured of it."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from app.prune.cut import HIGHEST
from app.prune.frames import MeasuredCuts, score_frame, side_by_side, time_frame
from app.reading.countings import countings_of
from app.words import percent
from finegates.errors import RunError
from finegates.exporting.package import CODE_FILE, loading_lines, standalone_lines
from finegates.gates.counting import LayerTimes
from finegates.gates.cuts import Cut, counted_cut, cut_snapshot
from finegates.gates.removal import removal
from finegates.jobs.tasks import DONE, FAILED, RUNNING, Task
from finegates.runs.folder import CURVE_FILE
from finegates.runs.layer_times import write_layer_times
from finegates.runs.measurements import AtCut, keep_points, keep_timing
from finegates.runs.saved_models import saved_folder
from finegates.runs.status import write_status
from tests.app.components import codes
from tests.app.fake_runs import make_curve, make_run
from tests.app.test_pages import texts

TIMING = {
    "remove": 0.3, "threshold": None, "batch_size": 8, "seq_len": 128, "dtype": "float32",
    "device": "cpu", "threads": 2, "hardware": "a cpu", "dense_s": 0.2, "masked_s": 0.21,
    "shrunk_s": 0.1, "shrunk_p10_s": 0.09, "shrunk_p90_s": 0.12, "speedup": 2.0,
    "mac_ratio": 2.2, "realised_over_ideal": 0.91, "removed_weights_fraction": 0.4,
}  # fmt: skip
POINT = {
    "remove": 0.3, "threshold": None, "score": 0.81, "metrics": {"accuracy": 0.81},
    "removed_weights_fraction": 0.4, "closed_gates_fraction": 0.18, "reopened_gates": 0,
    "params": 18_000_000, "mac_ratio": 2.2,
}  # fmt: skip
DENSE = {**POINT, "remove": 0.0, "score": 0.83, "removed_weights_fraction": 0.0,
         "params": 22_000_000, "mac_ratio": 1.0}  # fmt: skip


@pytest.fixture
def run(runs_dir):
    run = make_run(runs_dir, target_sparsity=0.4)
    (run.path / "trained").mkdir()
    return run


@pytest.fixture
def at_work(monkeypatch):
    """Has the page find these tasks, by their names."""
    tasks = {}
    monkeypatch.setattr("app.reading.one_run.read_task", lambda run, name: tasks.get(name))
    return tasks


def task(name, state, **known):
    nothing = {"arguments": (), "started": 0.0, "result": None, "reason": "", "log": "",
               "fraction": None, "doing": "", "seconds_left": None}  # fmt: skip
    return Task(name=name, state=state, **(nothing | known))


def button(app, name, run):
    return app.button(key=f"{name}-{run.id}")


def links(app) -> list[str]:
    """Links of the page itself, not those next to the run's name."""
    return [link.proto.label for link in app.get("page_link")][2:]


def metrics(app) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


@pytest.mark.parametrize(
    ("address", "cut"),
    [
        ({"remove": "0.3"}, Cut(remove=0.3)),
        ({"by": "Threshold", "threshold": "0.5"}, Cut(threshold=0.5)),
        ({"by": "Threshold", "threshold": "1.0"}, Cut(threshold=1.0)),
    ],
)
def test_a_cut_shows_at_once_what_it_closes(visit, run, address, cut):
    app = visit("prune", run=run.id, **address)
    assert not app.exception
    snapshot = cut_snapshot(run.snapshot(), cut)
    counts = removal(snapshot.layout, snapshot.closed)
    assert metrics(app)["Weights removed"] == f"{100 * counts.removed_weights_fraction:.1f} %"
    own = np.array_equal(snapshot.closed, run.snapshot().closed)
    assert metrics(app)["Speed-up"] == "not measured"
    assert own or metrics(app)["Accuracy"] == "not measured"


def test_a_link_without_a_cut_starts_at_the_runs_own_target_with_its_own_score(visit, run):
    app = visit("prune", run=run.id)
    assert app.slider(key="remove").value == 0.4
    assert metrics(app)["Accuracy"] == f"{run.status().score:.3f}", "nothing has to be scored again"


def test_a_run_that_missed_its_target_starts_at_what_training_left(visit, runs_dir):
    run = make_run(runs_dir, target_sparsity=0.4)
    spec = json.loads((run.path / "spec.json").read_text())
    spec["spec"]["target_sparsity"] = 0.9
    (run.path / "spec.json").write_text(json.dumps(spec))
    snapshot = run.snapshot()
    own = removal(snapshot.layout, snapshot.closed).removed_weights_fraction
    assert visit("prune", run=run.id).slider(key="remove").value == pytest.approx(own, abs=1e-4)


def test_a_run_that_still_trains_starts_at_its_target(visit, runs_dir):
    run = make_run(runs_dir, "running", progress=0.5, target_sparsity=0.4)
    assert visit("prune", run=run.id).slider(key="remove").value == 0.4


def test_a_threshold_in_the_address_is_cut_by_threshold(visit, run):
    app = visit("prune", run=run.id, threshold="0.5")
    assert app.slider(key="threshold").value == 0.5
    app = visit("prune", run=run.id, threshold="x", remove="7")
    assert app.slider(key="remove").value == HIGHEST


def test_another_run_starts_at_its_own_target(visit, run, runs_dir):
    other = make_run(runs_dir, target_sparsity=0.2)
    app = visit("prune", run=run.id, remove="0.3")
    app.selectbox(key="run_box").select(other.id).run()
    assert app.slider(key="remove").value == 0.2


def test_buttons_start_our_own_commands_on_this_cut(visit, run, asked_tasks):
    app = visit("prune", run=run.id, remove="0.3")
    for name in ("do-score", "do-curve", "do-time", "do-save"):
        button(app, name, run).click().run()
        assert not app.exception
    score, curve, timed, saved = (words[2] for words in asked_tasks)
    assert score[:3] == ["prune", run.id, "--remove=0.3"]
    assert curve[:3] == ["evaluate", run.id, "--curve"]
    assert timed[:3] == ["bench", run.id, "--remove=0.3"] and "--batch-size=8" in timed
    assert saved[:3] == ["export", run.id, "--remove=0.3"]
    assert not {"--onnx", "--openvino", "--pt2", "--standalone"} & {*saved}
    assert str(run.path / "exports" / "remove-0.3") in saved[3]
    assert all(words[-2:] == ["--runs-dir", str(run.path.parent)] for words in (score, saved))


def test_a_model_is_saved_in_the_formats_that_are_chosen(visit, run, asked_tasks):
    app = visit("prune", run=run.id, remove="0.3")
    app.button_group(key="formats").set_value(["openvino", "pt2"])
    app.toggle(key="standalone").set_value(True)
    button(app, "do-save", run).click().run()
    assert not app.exception
    (saved,) = (words[2] for words in asked_tasks)
    assert {"--openvino", "--pt2", "--standalone"} < {*saved} and "--onnx" not in saved


def test_what_is_typed_at_the_moment_of_a_click_counts(visit, run, asked_tasks):
    app = visit("prune", run=run.id, remove="0.3")
    app.slider(key="remove").set_value(0.5)
    app.number_input(key="batch_size").set_value(3)
    app.button_group(key="formats").set_value(["onnx"])
    app.toggle(key="standalone").set_value(True)
    button(app, "do-time", run).click().run()
    button(app, "do-save", run).click().run()
    timed, saved = (words[2] for words in asked_tasks)
    assert "--remove=0.5" in timed and "--batch-size=3" in timed
    assert "--remove=0.5" in saved and {"--onnx", "--standalone"} <= {*saved}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_int8_is_timed_where_it_can_be(visit, run, asked_tasks, dtype):
    app = visit("prune", run=run.id, remove="0.3")
    app.toggle(key="int8").set_value(True)
    app.selectbox(key="dtype").set_value(dtype)
    button(app, "do-time", run).click().run()
    assert ("--int8" in asked_tasks[0][2]) == (dtype == "float32") and not app.exception


def test_a_menu_closes_when_its_work_begins(visit, run, asked_tasks):
    app = visit("prune", run=run.id)
    for name in ("time", "save"):
        app.session_state[f"menu-{name}"] = True
        button(app, f"do-{name}", run).click().run()
        assert not app.session_state[f"menu-{name}"] and not app.exception


@pytest.mark.parametrize("name", ["do-score", "do-curve", "do-time", "do-save"])
def test_what_is_clicked_on_a_deleted_run_touches_no_other(visit, run, runs_dir, asked_tasks, name):
    make_run(runs_dir, target_sparsity=0.4)
    app = visit("prune", run=run.id, remove="0.3")
    shutil.rmtree(run.path)
    button(app, name, run).click().run()
    assert asked_tasks == [] and not app.exception and not app.metric
    assert len(app.warning) == 1 and run.id in app.warning[0].value and not app.error


def test_measured_cuts_are_shown_beside_dense(visit, run):
    keep_points(run, [DENSE, POINT])
    keep_timing(run, TIMING)
    app = visit("prune", run=run.id, remove="0.3")
    shown = metrics(app)
    assert shown["Accuracy"] == "0.810" and shown["Speed-up"] == "2.00 x"
    (table,) = [d.value for d in app.dataframe if "dense" in d.value.columns]
    assert table["pruned"].tolist()[0] == "0.810" and "-0.020" in table["change"].tolist()
    assert "every gate open" in texts(app) and button(app, "do-score", run).disabled


def test_the_cut_as_trained_says_one_score_whatever_was_scored_since(visit, run):
    keep_points(run, [DENSE, {**POINT, "remove": 0.4}])
    app = visit("prune", run=run.id, remove="0.4")
    (table,) = [d.value for d in app.dataframe if "dense" in d.value.columns]
    own = f"{run.status().score:.3f}"
    assert metrics(app)["Accuracy"] == table["pruned"].tolist()[0] == own != "0.810"


INT8 = {
    "onnx_speedup": 1.5, "int8_speedup": 1.25, "metric": "accuracy",
    "onnx_dense_s": 0.4, "onnx_shrunk_s": 0.25, "int8_dense_s": 0.1, "int8_shrunk_s": 0.08,
    "onnx_dense_bytes": 80e6, "onnx_shrunk_bytes": 60e6, "int8_dense_bytes": 40e6,
    "int8_shrunk_bytes": 30e6, "onnx_dense_score": 0.83, "onnx_shrunk_score": 0.81,
    "int8_dense_score": 0.825, "int8_shrunk_score": 0.805,
}  # fmt: skip


def test_int8_stands_next_to_float_with_time_file_and_score(visit, run, asked_tasks):
    keep_timing(run, {**TIMING, **INT8, "busy": True, "busy_why": "Others ran."})
    app = visit("prune", run=run.id, remove="0.3")
    (table,) = [d.value for d in app.dataframe if "dense" in d.value.columns]
    rows = table.set_index("")
    time = rows.loc["Milliseconds, ONNX int8"]
    assert (time["dense"], time["pruned"], time["change"]) == (
        "100.0",
        "80.0",
        "1.25 times as fast",
    )
    assert rows.loc["Accuracy, ONNX int8"]["pruned"] == "0.805"
    assert rows.loc["File, ONNX int8"]["change"].startswith("-25")
    assert rows.loc["Milliseconds, ONNX float32"]["dense"] == "400.0"
    button(app, "retime", run).click().run()
    assert "--int8" in asked_tasks[0][2], "what is timed again is timed whole"


@pytest.mark.parametrize("busy", [True, False])
def test_a_timing_that_others_have_spoilt_says_so_and_is_repeated_in_its_shape(
    visit, run, asked_tasks, busy
):
    why = "These times are not steady: time it again." if busy else ""
    keep_timing(run, {**TIMING, "busy": busy, "busy_why": why, "spread": 0.3, "spread_limit": 0.1,
                      "seq_len": 64})  # fmt: skip
    app = visit("prune", run=run.id, remove="0.3")
    assert ("time it again" in texts(app)) == busy == ("Speed-up, not steady" in metrics(app))
    assert "varied by 30 %" in texts(app) and "up to 10 % is steady" in texts(app)
    if busy:
        button(app, "retime", run).click().run()
        assert {"--remove=0.3", "--batch-size=8", "--seq-len=64"} <= {*asked_tasks[0][2]}


def test_what_is_at_work_shows_how_far_it_is(visit, run, at_work):
    at_work["curve"] = task(
        "curve", RUNNING, fraction=0.15, doing="scoring cut 3 of 20", seconds_left=40.0
    )
    at_work["time"] = task("time", RUNNING)
    app = visit("prune", run=run.id)
    curve, timing = app.get("progress")
    assert curve.proto.value == 15 and "scoring cut 3 of 20" in curve.proto.text
    assert "about 40 s left" in curve.proto.text and "so far" in timing.proto.text
    assert button(app, "do-curve", run).disabled and button(app, "do-time", run).disabled
    assert not button(app, "do-save", run).disabled


def test_what_failed_says_why_and_is_tried_again_or_dismissed(visit, run, at_work, asked_tasks):
    words = ("prune", run.id, "--remove=0.2")
    at_work["score"] = task("score", FAILED, reason="The data has changed.", arguments=words)
    app = visit("prune", run=run.id)
    assert "Scoring failed: The data has changed." in texts(app)
    button(app, "again-score", run).click().run()
    assert asked_tasks == [(run, "score", words)]
    at_work.clear()
    assert "failed" not in texts(app.run())


def test_what_is_done_is_neither_told_as_failed_nor_done_again(visit, run, at_work):
    at_work["curve"] = task("curve", DONE, result={})
    app = visit("prune", run=run.id)
    assert button(app, "do-curve", run).disabled, "the same cuts are not scored again"
    assert "failed" not in texts(app) and not app.get("progress")


def test_a_task_that_can_not_start_is_told(visit, run, monkeypatch):
    def refuse(*_):
        raise RunError("It is at work; wait for it.")

    monkeypatch.setattr("app.prune.work.start_task", refuse)
    app = visit("prune", run=run.id)
    button(app, "do-score", run).click().run()
    assert "wait for it" in texts(app)
    assert "wait for it" not in texts(app.run())


def test_a_run_without_weights_can_be_looked_at(visit, runs_dir):
    app = visit("prune", run=make_run(runs_dir).id)
    assert "not its trained weights" in texts(app) and links(app) == ["New run"]
    assert metrics(app)["Gates closed"] and not app.exception


def test_an_unfinished_run_waits(visit, runs_dir):
    app = visit("prune", run=make_run(runs_dir, "running", progress=0.5).id)
    assert "wait until it has finished" in texts(app) and links(app) == ["Live"]


def test_a_dense_run_has_nothing_to_cut(visit, runs_dir):
    app = visit("prune", run=make_run(runs_dir, method="full").id)
    assert not app.exception and not app.metric


def test_a_damaged_file_is_told_and_the_page_stays(visit, run):
    (run.path / CURVE_FILE).write_text("{")
    app = visit("prune", run=run.id)
    assert "can't be read" in texts(app) and not app.exception


@pytest.fixture
def saved(run):
    """A saved model of another cut than the one that the page opens on."""
    folder = saved_folder(run, Cut(remove=0.3))
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    keep_points(run, [DENSE, POINT])
    keep_timing(run, TIMING)
    return folder


@pytest.mark.parametrize("address", [{"remove": "0.3"}, {}])
def test_a_saved_model_is_found_again_with_what_it_is_and_how_it_loads(visit, run, saved, address):
    app = visit("prune", run=run.id, **address)
    said = texts(app)
    assert "Saved: sample-finegates-30pct" in said.replace("\\", "")
    assert "30.0 % of the weights removed" in said and "18.0 M of 22.0 M parameters" in said
    assert "Accuracy 0.810, 0.830 with nothing removed" in said
    assert "2.00 times as fast (8 x 128 tokens, float32)" in said and "2 B in 1 files" in said
    boxes = codes(app)
    assert str(saved) in boxes and loading_lines("sample-finegates-30pct") in boxes
    (download,) = app.get("download_button")[-1:]
    assert download.proto.label == "Download as .zip"
    assert button(app, "do-save", run).disabled == bool(address)


def test_a_saved_standalone_model_says_how_it_loads_without_finegates(visit, run, saved):
    lines = standalone_lines("sample-finegates-30pct")
    assert lines not in codes(visit("prune", run=run.id))
    (saved / CODE_FILE).write_text("")
    assert lines in codes(visit("prune", run=run.id))


def test_a_saved_model_can_be_deleted(visit, run, saved):
    app = visit("prune", run=run.id)
    button(app, "delete-remove-0.3", run).click().run()
    assert not saved.exists() and not app.exception and "Saved:" not in texts(app)


def test_a_saved_model_that_can_not_be_deleted_says_why(visit, run, saved, monkeypatch):
    def refuse(*_):
        raise RunError("It is a link.")

    monkeypatch.setattr("app.prune.saved.delete_saved", refuse)
    app = visit("prune", run=run.id)
    button(app, "delete-remove-0.3", run).click().run()
    assert "It is a link." in texts(app)


def test_frames_hold_what_was_measured(run):
    make_curve(run)
    keep_points(run, [POINT, {**POINT, "remove": None, "threshold": 0.5, "score": 0.7}])
    known = AtCut(POINT, DENSE, [TIMING], False)
    measured = MeasuredCuts([DENSE, POINT], [TIMING], run.status(), known)
    assert score_frame(measured)["removed"].is_monotonic_increasing
    assert "as trained" in set(score_frame(measured)["kind"]) and measured.dense_score == 0.83
    (row,) = time_frame(measured).itertuples()
    assert row.factor == 0.5 and np.isclose(row.ceiling, 1 / 2.2) and row.low < row.high
    assert len(side_by_side(known, "Accuracy")) == 4


def test_an_error_in_the_labels_unit_stands_next_to_a_correlation():
    errors = [{"rmse": 0.5, "rmse_of_mean": 1.5}, {"rmse": 31_204.0, "rmse_of_mean": 40_000.0}]
    dense, point = ({**p, "metrics": e} for p, e in zip((DENSE, POINT), errors, strict=True))
    rows = side_by_side(AtCut(point, dense, [], False), "Pearson").set_index("")
    assert rows.loc["RMSE"].tolist() == ["0.5", "31,204", "always answering the mean: 40,000"]
    assert "RMSE" not in set(side_by_side(AtCut(POINT, DENSE, [], False), "Accuracy")[""])


def test_nothing_measured_draws_empty_frames(run):
    nothing = AtCut(None, None, [], False)
    measured = MeasuredCuts([], [], run.status(), nothing)
    assert score_frame(measured).empty and time_frame(measured).empty
    assert measured.dense_score is None and side_by_side(nothing, "Accuracy").empty


def counted_run(run):
    """A run that knows how large its dense model is, and what the parts of a layer take."""
    write_status(run.path, replace(run.status(), dense_params=4 * run.status().num_gated_weights))
    times = LayerTimes(3.0, 5.0, 1.0, 2.0, num_layers=2, device="cpu", batch_size=8, length=16)
    write_layer_times(run.path, times)
    return run


def test_a_budget_can_count_what_is_known_of_the_run(visit, run, asked_tasks):
    assert visit("prune", run=run.id).selectbox(key="of").options == [
        "Gated weights", "Multiply-accumulates",
    ]  # fmt: skip
    counted_run(run)
    app = visit("prune", run=run.id, of="time", remove="0.3")
    assert not app.exception and len(app.selectbox(key="of").options) == 4
    snapshot = run.snapshot()
    counting = countings_of(run, snapshot.layout)["time"]
    cut = counted_cut(snapshot.layout, snapshot.means, 0.3, counting)
    assert metrics(app)["Weights removed"] == percent(cut.remove) != percent(0.3)
    button(app, "do-score", run).click().run()
    assert asked_tasks[0][2][:3] == ["prune", run.id, f"--remove={cut.remove}"]


def test_more_than_there_is_to_remove_is_said_and_can_be_taken_back(visit, run):
    app = visit("prune", run=counted_run(run).id, of="parameters", remove="0.9")
    assert not app.exception
    assert "all gates together remove" in app.error[0].value
    app.slider(key="remove").set_value(0.1).run()
    assert not app.error and not app.exception
