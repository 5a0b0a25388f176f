"""Runs that older versions made stay usable: they open, resume, and do all that a new one does."""

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

import finegates.auto  # noqa: F401  lets the Auto classes load what is exported
from finegates.cli import main
from finegates.gates.cuts import Cut
from finegates.groups.store import list_groups, open_group
from finegates.jobs.control import resume
from finegates.jobs.worker import execute
from finegates.nn.attach import gates_of
from finegates.reports.report import group_report, run_report
from finegates.results.aggregate import group_points
from finegates.runs.folder import ROW_KEYS, Run, current_rows, list_runs
from finegates.runs.measurements import read_points, read_thresholds, read_timings
from finegates.runs.notes import RunNotes, read_notes
from finegates.shrinking.cost import num_parameters
from finegates.shrinking.shrink import prune, shrink
from finegates.training.restore import restore_model
from tests.whole.keep_runs import GROUP, KEPT, NOTES, TAGS, copy_of

SHIPPED = Path(__file__).resolve().parents[2] / "cached_runs"
RESTORABLE = [run for run in list_runs(SHIPPED) if (run.path / "trained").is_dir()]
MOST_BYTES = 1_000_000
SCORE_TOLERANCE = 0.02
"""8 of 400 rows: on another processor a near tie may fall to the other side."""

MEASURED_ALIKE = (
    "remove", "threshold", "closed_gates", "removed_weights_fraction", "params", "mac_ratio",
)  # fmt: skip


@pytest.fixture(params=sorted(path.name for path in KEPT.iterdir() if path.is_dir()))
def kept(request, tmp_path) -> Path:
    """The runs folder of a copy, for each kept format."""
    return copy_of(KEPT / request.param, tmp_path / request.param)


@pytest.fixture
def finished(kept) -> Run:
    return next(run for run in list_runs(kept) if run.status().state == "finished")


@pytest.fixture
def stopped(kept) -> Run:
    return next(run for run in list_runs(kept) if run.status().state == "stopped")


@pytest.fixture
def command(kept, finished, capsys):
    """Carries out a command on the finished run and returns what its last line says."""

    def carry_out(name: str, *options: str) -> dict:
        assert main([name, finished.id, "--runs-dir", str(kept), *options]) == 0
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    return carry_out


def test_kept_files_are_small_and_hold_no_path():
    files = [path for path in KEPT.rglob("*") if path.is_file()]
    assert files and sum(path.stat().st_size for path in files) < MOST_BYTES
    texts = [path.read_text() for path in files if path.suffix in {".json", ".jsonl"}]
    assert not [text for text in texts if '"/' in text or " /" in text]


# The finished run


def test_its_settings_and_row_are_read(finished):
    row = finished.row()
    assert tuple(row) == ROW_KEYS
    assert (finished.spec.method, finished.spec.target_sparsity) == ("finegates+lora", 0.4)
    assert row["status"] == "finished" and row["score"] > 0.6
    assert row["removed_weights_fraction"] == pytest.approx(0.4, abs=0.01)


def test_its_gates_metrics_and_histograms_agree_with_its_status(finished):
    status, snapshots = finished.status(), [finished.snapshot(s) for s in finished.snapshot_steps()]
    assert len(snapshots) > 2 and snapshots[-1].step == status.step == status.total_steps
    assert snapshots[-1].closed.mean() == pytest.approx(status.closed_gates_fraction)
    assert snapshots[0].closed.sum() < snapshots[-1].closed.sum()
    rows = current_rows(finished.metrics_reader().read_new())
    scores = {row["step"]: row["score"] for row in rows if row["kind"] == "eval"}
    assert list(scores) == finished.snapshot_steps() and scores[status.step] == status.score
    last = finished.histograms_reader().read_new()[-1]
    assert sum(map(sum, last["counts"].values())) == status.num_gates


def test_its_notes_curve_timings_and_report_are_read(finished):
    assert read_notes(finished.path) == RunNotes(NOTES, TAGS)
    assert [point["remove"] for point in read_points(finished)] == [0.0, 0.4, 0.6]
    assert [point["threshold"] for point in read_thresholds(finished)] == [0.5]
    (timing,) = read_timings(finished)
    assert timing["remove"] == 0.6 and timing["shrunk_s"] > 0
    assert finished.id in run_report(finished)


def test_it_scores_as_it_did(finished, command):
    before = read_points(finished) + read_thresholds(finished)
    after = command("evaluate", "--remove", "0,0.4,0.6", "--device", "cpu")["points"]
    after += command("evaluate", "--threshold", "0.5", "--device", "cpu")["points"]
    for old, new in zip(before, after, strict=True):
        for name in MEASURED_ALIKE:
            assert new[name] == pytest.approx(old[name]), name
        assert new["score"] == pytest.approx(old["score"], abs=SCORE_TOLERANCE)


def test_it_is_pruned_where_nobody_has_measured(finished, command):
    said = command("prune", "--remove", "0.7", "--device", "cpu")
    assert said["pruned"]["removed_weights_fraction"] == pytest.approx(0.7, abs=0.01)
    assert said["pruned"]["params"] < said["dense"]["params"]
    assert 0.7 in [point["remove"] for point in read_points(finished)]


def test_it_is_exported_and_the_export_answers_as_the_run(finished, command, tmp_path):
    folder = tmp_path / "exported"
    command("export", "--remove", "0.6", "--out", str(folder), "--no-measure")
    model, tokenizer = restore_model(finished)
    prune(model, Cut(remove=0.6))
    loaded = AutoModelForSequenceClassification.from_pretrained(folder)
    inputs = AutoTokenizer.from_pretrained(folder)(["the farmer sneezes."], return_tensors="pt")
    assert inputs["input_ids"].tolist() == tokenizer(["the farmer sneezes."])["input_ids"]
    with torch.no_grad():
        assert torch.allclose(loaded(**inputs).logits, model(**inputs).logits, atol=1e-4)


def test_it_is_timed_again_and_the_old_timing_stays(finished, command):
    before = read_timings(finished)
    shape = ("--batch-size", "2", "--seq-len", "8", "--repeats", "2")
    assert command("bench", "--remove", "0.7", *shape)["shrunk_s"] > 0
    assert read_timings(finished)[:-1] == before


# The stopped run, and the group


def test_a_stopped_run_goes_on_to_its_end(stopped):
    before = stopped.status()
    resume(stopped, start=False)
    status = execute(stopped, "cpu")
    assert status.state == "finished", status.reason
    assert 0 < before.step < status.step == status.total_steps
    assert status.removed_weights_fraction == pytest.approx(0.4, abs=0.01)
    assert status.score > status.majority_score
    rows = stopped.metrics_reader().read_new()
    assert [row["step"] for row in rows if row["kind"] == "resumed"] == [before.step]
    assert stopped.snapshot().closed.mean() == pytest.approx(status.closed_gates_fraction)
    assert len(restore_model(stopped)) == 2


def test_the_group_is_read_and_reported(kept, finished, stopped):
    group = open_group(kept, GROUP)
    assert list_groups(kept) == [group]
    assert group.runs == [finished.id, stopped.id]
    assert group.settings["model"] == finished.spec.model
    point = next(p for p in group_points(group, kept) if p.kind == "trained")
    assert (point.method, point.median) == (finished.spec.method, finished.status().score)
    assert group.name in group_report(group, kept)


# The runs that come with the program


@pytest.mark.slow
@pytest.mark.parametrize("run", RESTORABLE, ids=lambda run: run.id)
def test_shipped_weights_are_restored_and_pruned(run):
    model, tokenizer = restore_model(run)
    assert gates_of(model).closed_array().sum() == run.snapshot().closed.sum()
    prune(model, Cut(remove=0.7))
    shrunk = shrink(model)
    assert num_parameters(shrunk) < num_parameters(model)
    inputs = tokenizer(["A fine film.", "A dull one."], return_tensors="pt")
    with torch.no_grad():
        assert torch.allclose(shrunk(**inputs).logits, model(**inputs).logits, atol=1e-3)
