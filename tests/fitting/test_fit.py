"""A search with real trainings of a toy: reference, bracket, answer, and going on where it was."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from finegates.cli import main
from finegates.errors import RunError, SpecError
from finegates.fitting import fit as fitting
from finegates.fitting.file import create_fit, list_fits, open_fit
from finegates.fitting.fit import advance, answer_of, deciding_rows, take_up
from finegates.jobs.inputs import check_inputs
from finegates.jobs.worker import execute
from finegates.runs.folder import create_run, list_runs, open_run
from finegates.runs.predictions import read_predictions, write_predictions
from finegates.runs.status import write_status
from finegates.runs.stop_request import read_stop

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def settings(toy_model_dir):
    return {"model": str(toy_model_dir), "max_train_samples": 64, "epochs": 1, "batch_size": 16,
            "device": "cpu", "precision": "fp32"}  # fmt: skip


@pytest.fixture(autouse=True)
def trained_at_once(monkeypatch):
    """Runs train where they are submitted, in this process."""

    def submit(spec, runs_dir, run_id):
        spec, data = check_inputs(spec, runs_dir=runs_dir)
        run = create_run(spec, data, runs_dir, run_id=run_id)
        assert execute(run, "cpu").state == "finished", run.log_tail()
        return run

    monkeypatch.setattr(fitting, "submit", submit)


def searched(fit, runs_dir):
    """Until it ends."""
    while True:
        fit, run = advance(fit, runs_dir)
        if run is None:
            return fit


def test_a_search_ends_with_an_answer_about_rows_that_did_not_decide(tmp_path, settings):
    fit = searched(create_fit(tmp_path, "mine", 0.5, settings, most_trainings=3), tmp_path)
    answer = answer_of(fit, tmp_path)
    assert answer.is_final and answer.trainings == 4 and answer.seconds > 0
    # A drop of half of the score is within the tolerance at any target.
    assert [t.target for t in answer.tried] == [0.4, 0.6, 0.8]
    assert answer.target == 0.8 and answer.removed_weights_fraction == pytest.approx(0.8, abs=0.01)
    chosen, reference = (open_run(tmp_path, r) for r in (answer.run, fit.reference))
    assert chosen.spec.start_from == reference.id and reference.spec.method == "full"
    mine, dense = (read_predictions(run.path) for run in (chosen, reference))
    rows = ~deciding_rows(mine.labels, fit.seed)
    score, before = ((p.answers == p.labels)[rows].mean() for p in (mine, dense))
    assert answer.paired.rows == rows.sum()
    assert (answer.paired.score, answer.paired.reference) == pytest.approx((score, before))
    record = json.loads(json.dumps(answer.to_dict()))
    assert record["drop_low"] <= record["drop"] <= record["drop_high"]


def test_no_target_within_says_so(tmp_path, settings, monkeypatch):
    monkeypatch.setattr(fitting, "smallest_within", lambda tries, max_drop: None)
    fit = searched(create_fit(tmp_path, "mine", 0.0, settings, most_trainings=1), tmp_path)
    answer = answer_of(fit, tmp_path)
    assert answer.target is None and answer.run is None and answer.to_dict()["tried"]


def test_a_training_that_is_far_beyond_is_ended_early_and_counts_as_tried(
    tmp_path, settings, monkeypatch
):
    fit = create_fit(tmp_path, "mine", 0.01, settings, most_trainings=2)
    fit, _ = advance(fit, tmp_path)
    fit, run = advance(fit, tmp_path)
    status = run.status()
    write_status(run.path, replace(status, state="running", ended=None))
    assert advance(fit, tmp_path) == (fit, run), "not lost yet: it goes on"
    kept = read_predictions(run.path)
    wrong = replace(kept, answers=1 - kept.labels)
    write_predictions(run.path, wrong)
    lost, following = advance(fit, tmp_path)
    assert lost.lost == (run.id,) and following.id == lost.runs[-1] != run.id
    asked = read_stop(run.path)
    assert asked.state == "stopped" and "points below the reference" in asked.reason
    write_status(run.path, replace(status, state="stopped", reason=asked.reason))
    assert take_up(open_fit(tmp_path, "mine"), tmp_path) == lost, "it is not resumed"
    assert run.status().state == "stopped"
    answer = answer_of(lost, tmp_path)
    assert [one.lost for one in answer.tried] == [True, False]
    assert answer.tried[0].drop > 0.2 and answer.is_final


def test_a_search_goes_on_where_it_was_and_makes_no_run_twice(tmp_path, settings):
    fit = create_fit(tmp_path, "mine", 0.5, settings, most_trainings=2)
    fit, _ = advance(fit, tmp_path)
    fit, _ = advance(fit, tmp_path)
    again = take_up(open_fit(tmp_path, "mine"), tmp_path)
    assert again == fit == create_fit(tmp_path, "mine", 0.5, settings, most_trainings=2)
    searched(again, tmp_path)
    assert len(list_runs(tmp_path)) == 3


def test_a_run_that_is_gone_is_trained_again_and_without_the_reference_all_are(tmp_path, settings):
    fit = searched(create_fit(tmp_path, "mine", 0.5, settings, most_trainings=1), tmp_path)
    shutil.rmtree(tmp_path / fit.runs[0])
    assert take_up(fit, tmp_path).runs == ()
    shutil.rmtree(tmp_path / fit.reference)
    assert take_up(fit, tmp_path).reference == ""


def test_a_run_that_ended_before_its_time_is_named(tmp_path, settings):
    fit = searched(create_fit(tmp_path, "mine", 0.5, settings, most_trainings=1), tmp_path)
    run = open_run(tmp_path, fit.runs[0])
    write_status(run.path, replace(run.status(), state="failed", reason="The disk is full."))
    with pytest.raises(RunError, match=r"is failed. The disk is full.*fit --name mine"):
        advance(fit, tmp_path)


def test_another_question_under_the_same_name_is_refused(tmp_path, settings):
    create_fit(tmp_path, "mine", 0.01, settings)
    with pytest.raises(RunError, match="another max_drop"):
        create_fit(tmp_path, "mine", 0.02, settings)
    with pytest.raises(RunError, match="no search|mine"):
        open_fit(tmp_path, "other")
    with pytest.raises(SpecError, match="points"):
        create_fit(tmp_path, "other", 1.5, settings)
    assert list_fits(tmp_path) == ["mine"]


def test_a_damaged_file_is_one_sentence(tmp_path, settings):
    create_fit(tmp_path, "mine", 0.01, settings)
    (tmp_path / "mine.fit.json").write_text('{"format_version": 1, "name": "mine"}')
    with pytest.raises(RunError, match="damaged"):
        open_fit(tmp_path, "mine")


def test_half_of_each_class_decides():
    labels = np.repeat([0, 1, 2], [40, 11, 2])
    decides = deciding_rows(labels, 0)
    assert abs(decides.sum() - len(labels) / 2) <= 1
    for label, count in ((0, 20), (1, 5.5), (2, 1)):
        assert abs(decides[labels == label].sum() - count) <= 0.5
    assert (deciding_rows(labels, 1) != decides).any()


def test_the_command_prints_the_answer_as_its_last_line(tmp_path, settings, capsys):
    words = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
    command = ["fit", "--name", "mine", "--max-drop", "50", "--most-trainings", "1"]
    assert main([*command, *words, "--runs-dir", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    last = json.loads(printed.out.splitlines()[-1])
    assert last["fit"] == "mine" and last["trainings"] == 2 and last["removed_weights_fraction"]
    assert {"drop", "drop_low", "drop_high", "seconds"} <= last.keys()
    assert "of the gated weights can go" in printed.err and "can't tell one point" in printed.err
    assert main(["fit", "--name", "mine", "--runs-dir", str(tmp_path)]) == 0
