"""The benchmark of units writes a row for each choice and shape; how fast each is, no test."""

import argparse
import json

import pytest

from benchmarks import record, rows, structures
from finegates.jobs.worker import execute
from finegates.runs.folder import create_run
from finegates.spec import make_spec

DATA = {"labels": ["unacceptable", "acceptable"], "problem": "classification"}
OPTIONS = argparse.Namespace(shapes="1x4,2x8", repeats=1)


def test_every_choice_is_timed_in_every_shape(toy_model_dir, tmp_path, monkeypatch, capsys):
    for module in (record, rows):
        monkeypatch.setattr(module, "RESULTS", tmp_path)
    words = ["--model", str(toy_model_dir), "--remove", "0.2,0.4", "--shapes", "2x8"]
    structures.main(["times", *words, "--repeats", "1"])
    found = json.loads(capsys.readouterr().out)["rows"]
    assert {(r["units"], r["uniform"], r["remove"]) for r in found} == {
        (choice.row["units"], choice.uniform, remove)
        for choice in structures.CHOICES
        for remove in (0.2, 0.4)
    }
    assert all(r["task"] is None for r in found), "random weights have learned nothing"
    assert all(r["mac_ratio"] >= 1 and r["realised_over_ideal"] > 0 for r in found)


def test_runs_of_each_task_are_groups_of_their_own():
    matrices, *_, last = structures.CHOICES
    assert structures.group_of("stsb", matrices, 0) == "frontier-stsb-warm-seed0"
    assert structures.group_of("stsb", last, 1) == "structures-stsb-hidden-heads-neurons-seed1"


@pytest.mark.slow
def test_a_run_is_scored_next_to_its_own_times(toy_model_dir, tmp_path):
    settings = {"max_train_samples": 96, "batch_size": 16, "epochs": 1, "precision": "fp32"}
    units = {"gate_units": ["heads", "neurons"], "target_sparsity": 0.4}
    spec = make_spec({"model": str(toy_model_dir), **settings, **units})
    run = create_run(spec, DATA, tmp_path / "runs")
    assert execute(run, "cpu").state == "finished"
    choice = structures.Choice(("heads", "neurons"))
    short, long = structures._scored(run, choice, 1.0, OPTIONS)
    assert (short["seq_len"], long["seq_len"]) == (4, 8) and short["repeats"] == 10
    assert short["points_lost"] == pytest.approx(100 * (1 - run.status().score))
    assert short["task"] == spec.task and short["seed"] == spec.seed
    assert short["removed_weights_fraction"] == run.status().removed_weights_fraction
