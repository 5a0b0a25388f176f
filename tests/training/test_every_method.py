"""One contract for every method of the registry, on a tiny model and real GLUE rows."""

from functools import cache

import numpy as np
import pytest
import torch

from finegates.data.splits import load_splits
from finegates.jobs.inputs import check_inputs
from finegates.jobs.worker import execute
from finegates.methods import METHODS
from finegates.models.parameters import method_params
from finegates.models.sources import model_sizes
from finegates.models.sparse_sizes import returning_params
from finegates.nn.model_parts import head_parameters, layer_norms
from finegates.nn.sensitivity import weights_of_gates
from finegates.runs.folder import create_run
from finegates.spec import make_spec
from finegates.training.session import open_session

EVERY_METHOD = pytest.mark.parametrize("method", METHODS)
QUICK = {"epochs": 1, "max_train_samples": 256, "max_length": 32, "precision": "fp32"}
pytestmark = pytest.mark.glue


@pytest.fixture(scope="module")
def spec_of(toy_model_dir, glue_dir):
    def make(method: str, task: str, **changes):
        given = {"model": str(toy_model_dir), "glue_dir": str(glue_dir), "task": task, **QUICK}
        return make_spec({**given, "method": method, **changes})

    return make


@pytest.fixture(scope="module")
def session_of(spec_of):
    """A method's session before its first step, opened once: it is only looked at."""

    @cache
    def open_once(method: str):
        spec = spec_of(method, "sst2")
        return spec, open_session(spec, load_splits(spec), "cpu")

    return open_once


def half_of_a_gate(run) -> float:
    """How near to a budget the run's gates come: a head of a toy is a sixteenth of its weights."""
    layout = run.snapshot().layout
    return max(0.01, weights_of_gates(layout).max() / layout.num_gated_weights / 2)


@EVERY_METHOD
@pytest.mark.parametrize("task", ["sst2", pytest.param("stsb", marks=pytest.mark.slow)])
def test_every_method_trains_classes_and_numbers(spec_of, method, task, tmp_path):
    torch.set_num_threads(1)
    spec = spec_of(method, task)
    run = create_run(*check_inputs(spec), tmp_path)
    status = execute(run, "cpu")
    assert status.state == "finished", status.reason
    low = 0.4 if task == "sst2" else -1.0
    assert low < status.score <= 1
    if spec.rounds_to_budget:
        removed = status.removed_weights_fraction
        assert removed == pytest.approx(spec.target_sparsity, abs=half_of_a_gate(run))
    assert (status.num_gates > 0) == METHODS[method].removes == bool(run.snapshot_steps())


@EVERY_METHOD
def test_what_is_trained_is_what_the_formula_counts(session_of, method):
    spec, session = session_of(method)
    model = session.model
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    beside = {id(p): p for p in head_parameters(model)}
    if spec.train_layer_norms:
        beside |= {id(p): p for norm in layer_norms(model) for p in norm.parameters()}
    if METHODS[method].removes and spec.train_biases and METHODS[method].adapter != "full":
        biases = (p for n, p in model.named_parameters() if n.endswith("base_layer.bias"))
        beside |= {id(p): p for p in biases}
    sizes = model_sizes(spec.model)
    counted = method_params(spec, sizes) + returning_params(spec, sizes)
    assert trained == counted + sum(p.numel() for p in beside.values() if p.requires_grad)


@EVERY_METHOD
def test_every_trained_parameter_is_in_the_optimizer_once(session_of, method):
    _, session = session_of(method)
    stepped = [id(p) for g in session.optimizer.param_groups for p in g["params"]
               if p.requires_grad]  # fmt: skip
    trained = [id(p) for p in session.model.parameters() if p.requires_grad]
    assert sorted(stepped) == sorted(trained)
    assert np.unique(stepped).size == len(stepped)
