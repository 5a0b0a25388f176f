"""Budgets of parameters, multiply-accumulates and time, up to the smaller model."""

import pytest

from finegates.errors import RunError, SpecError
from finegates.gates.counting import LayerTimes
from finegates.jobs.inputs import check_inputs
from finegates.jobs.worker import execute
from finegates.measuring.layer_times import layer_times
from finegates.models.architectures import layout_of_config
from finegates.runs.folder import create_run
from finegates.runs.layer_times import TIMES_FILE, read_layer_times
from finegates.runs.status import Status, write_status
from finegates.shrinking.cost import mac_ratio
from finegates.shrinking.counted import counting_of
from finegates.shrinking.shrink import shrink
from finegates.spec import make_spec
from finegates.training.restore import restore_model
from tests.toy_models import save_toy_decoder, toy_model

QUICK = {"max_train_samples": 64, "batch_size": 16, "epochs": 2, "precision": "fp32"}
UNITS = {"gate_units": ("heads", "neurons")}


def trained(toy_model_dir, runs_dir, **changes):
    given = {"model": str(toy_model_dir), "target_sparsity": 0.3, **QUICK, **UNITS, **changes}
    run = create_run(*check_inputs(make_spec(given), runs_dir=runs_dir), runs_dir)
    return run, execute(run, "cpu")


def test_a_budget_of_products_is_what_the_smaller_model_lacks(toy_model_dir, tmp_path):
    run, status = trained(toy_model_dir, tmp_path, budget_counts="products", budget_length=10)
    assert status.state == "finished", status.reason
    assert status.counted_removed_fraction == pytest.approx(0.3, abs=0.02)
    smaller = shrink(restore_model(run)[0])
    really = 1 - 1 / mac_ratio(smaller, 10)
    assert really == pytest.approx(status.counted_removed_fraction, abs=1e-6)


def test_time_is_measured_before_the_first_step_and_once(toy_model_dir, tmp_path, monkeypatch):
    kept = LayerTimes(3.0, 5.0, 0.5, 1.0, num_layers=2, device="cpu", batch_size=2, length=8)
    asked = []

    def measured(config, device, **shape):
        asked.append((config.model_type, device, shape))
        return kept

    monkeypatch.setattr("finegates.measuring.layer_times.layer_times", measured)
    time = {"budget_counts": "time", "budget_length": 8, "budget_batch_size": 2}
    run, status = trained(toy_model_dir, tmp_path, **time)
    assert status.state == "finished", status.reason
    assert asked == [("bert", "cpu", {"batch_size": 2, "length": 8, "language_model": False})]
    assert read_layer_times(run.path) == kept
    assert status.counted_removed_fraction == pytest.approx(0.3, abs=0.03)
    write_status(run.path, Status())  # a run that goes on has them already
    assert execute(run, "cpu").state == "finished" and len(asked) == 1
    run.path.joinpath(TIMES_FILE).write_text('{"attention": 1}')
    with pytest.raises(RunError, match="is damaged"):
        read_layer_times(run.path)


def test_a_decoders_budget_of_products_is_what_the_smaller_one_lacks(tmp_path):
    folder = save_toy_decoder(tmp_path / "llama")
    run, status = trained(
        folder, tmp_path, budget_counts="products", budget_length=10, gate_units=("auto",)
    )
    assert status.state == "finished", status.reason
    assert status.counted_removed_fraction == pytest.approx(0.3, abs=0.02)
    really = 1 - 1 / mac_ratio(shrink(restore_model(run)[0]), 10)
    assert really == pytest.approx(status.counted_removed_fraction, abs=1e-6)


@pytest.mark.parametrize("model_type", ["bert", "llama"])
def test_every_part_of_a_layer_has_its_time(model_type):
    config = toy_model(model_type).config
    config.pad_token_id = None if model_type == "llama" else config.pad_token_id
    times = layer_times(config, batch_size=2, length=8, repeats=3)
    assert isinstance(times, LayerTimes) and times.num_layers == config.num_hidden_layers
    assert min(times.attention, times.feed_forward, times.rest, times.outside) >= 0
    assert times.total > 0


def test_what_no_gates_can_remove_is_refused_before_the_first_step(toy_model_dir, tmp_path):
    _, status = trained(toy_model_dir, tmp_path, budget_counts="parameters", target_sparsity=0.95)
    assert status.state == "failed" and status.step == 0
    assert "95% of the model's parameters are to be removed" in status.reason
    _, status = trained(toy_model_dir, tmp_path, gate_units=("heads",), target_sparsity=0.9)
    assert status.state == "failed" and "90% of the gated weights" in status.reason


def test_counts_that_can_not_be_held_are_refused():
    with pytest.raises(SpecError, match="penalty 'abs' aims at gates closed"):
        make_spec({"budget_counts": "time", "penalty": "abs"})
    with pytest.raises(SpecError, match="measured by one process"):
        make_spec({"budget_counts": "time", "num_processes": 2})


def test_widths_of_a_trained_run_are_multiples(toy_model_dir, tmp_path):
    run, status = trained(toy_model_dir, tmp_path, gate_units=("neurons",), gate_multiple=8)
    assert status.state == "finished", status.reason
    snapshot = run.snapshot()
    for vector in snapshot.layout.vectors:
        assert (~snapshot.closed[vector.slice]).sum() % 8 == 0


def test_the_head_of_a_language_model_is_counted_with_it():
    config = toy_model("llama", tie_word_embeddings=False).config
    layout = layout_of_config(config.to_dict())
    countings = (counting_of(config, layout, "parameters", language_model=w) for w in (False, True))
    classifier, writer = (layout.num_gated_weights / c.matrices.sum() for c in countings)
    head = config.hidden_size * (config.vocab_size - config.num_labels)
    assert writer - classifier == pytest.approx(head)
