"""Smaller models are made, trained on and measured next to the dense one; how good, is no test."""

import pytest
import torch
from transformers import AutoModelForSequenceClassification

from benchmarks.smaller_models import models, run
from benchmarks.smaller_models.layers import EVEN, FIRST, kept_layers
from benchmarks.smaller_models.plan import FEWER, FINE_TUNED, PRETRAINED, Fewer, Pruned, group_of
from finegates.groups.store import Cell, create_group
from finegates.jobs.inputs import check_inputs
from finegates.jobs.worker import execute
from finegates.runs.folder import create_run
from finegates.spec import make_spec
from finegates.training.restore import restore_model

SHORT = {"max_train_samples": 96, "batch_size": 16, "epochs": 1, "precision": "fp32"}


def test_layers_that_stay():
    assert [kept_layers(FIRST, count, 6) for count in (2, 4)] == [[0, 1], [0, 1, 2, 3]]
    assert [kept_layers(EVEN, count, 6) for count in (2, 3, 4)] == [[0, 5], [0, 2, 5], [0, 2, 3, 5]]


@pytest.mark.slow
def test_every_kind_is_made_and_measured(toy_model_dir, tmp_path):
    def finished(settings):
        spec, data = check_inputs(make_spec({**settings, **SHORT}), runs_dir=tmp_path / "runs")
        made = create_run(spec, data, tmp_path / "runs")
        assert execute(made, "cpu").state == "finished"
        return made

    reference = finished({"method": "full", "model": str(toy_model_dir)})
    for fewer in (Fewer(FIRST, 1, FINE_TUNED), Fewer(FIRST, 1, PRETRAINED)):
        folder = models.folder_of(fewer, reference)
        plain = AutoModelForSequenceClassification.from_pretrained(folder)
        dense, _ = restore_model(reference)
        layer = dense.bert.encoder.layer[0].output.dense.weight
        assert plain.config.num_hidden_layers == len(plain.bert.encoder.layer) == 1
        same = torch.equal(plain.bert.encoder.layer[0].output.dense.weight, layer)
        assert same == (fewer.start == FINE_TUNED)
        settings = {**fewer.settings(reference, folder), "task": "sample", "method": "full"}
        found = finished(settings)
        assert found.spec.teacher == (reference.id if same else None)
    assert found.spec.epochs == 1 and {f.start for f in FEWER} == {FINE_TUNED, PRETRAINED}
    group = create_group(
        tmp_path / "runs", group_of(FEWER[0], 0), {}, [Cell("full", 0.0, 0, found.id)], ""
    )
    pruned = Pruned("taylor", 0.4)
    models.prune_and_recover(pruned, reference)
    what = [one.about["what"] for one in models.compared_models(reference)]
    assert group.runs and what == [models.DENSE, models.FEWER_LAYERS, models.TORCH_PRUNING]

    rows = list(run.measure(reference, ["2x8"], 1))
    assert [row["what"] for row in rows if row["runtime"] == run.TORCH] == what
    assert [row["precision"] for row in rows] == [*3 * ["float32"], *2 * ["float32", "int8"]]
    assert len({tuple(row[name] for name in run.KEY) for row in rows}) == len(rows)
    assert rows[0]["points_lost"] == 0 and rows[0]["speed_up"] == 1
    assert max(row["params"] for row in rows[1:3]) < rows[0]["params"]
