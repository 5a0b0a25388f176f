"""No step, and no pass of a smaller model, makes the host wait for the device."""

from itertools import islice

import pytest
import torch

from finegates.gates.cuts import Cut
from finegates.measuring.candidates import DENSE, SHRUNK, attach_random_gates, candidates
from finegates.training.loop import steps_from, train_step
from tests.gpu.sessions import first_batch, open_on
from tests.gpu.waits import waits
from tests.toy_models import toy_inputs, toy_model

SETTINGS = {"target_sparsity": 0.4, "target_delay_fraction": 0.0}


def test_a_look_at_a_number_is_counted(device):
    there = torch.ones(3, device=device)
    with waits(device) as found:
        there.sum()
    assert not found
    with waits(device) as found:
        assert there.sum().item() == 3
    assert len(found) == 1


@pytest.mark.parametrize("method", ["finegates", "finegates+lora", "finegates-official"])
def test_no_step_of_gates_waits(method, device, on_gpu, toy_model_dir):
    session = open_on(device, toy_model_dir, method=method, **SETTINGS)
    if not on_gpu:
        batch = first_batch(session)
        with waits(device) as found:
            train_step(session, batch, 1)
        assert found == []
        return
    steps = steps_from(session, 0)
    step, batch = next(steps)
    train_step(session, batch, step)  # libraries and the optimizer's state are made here
    with waits(device) as found:
        for step, batch in islice(steps, 4):
            train_step(session, batch, step)
    assert found == []


@pytest.mark.parametrize("method", ["lora", "full"])
def test_no_dense_step_waits(method, device, toy_model_dir):
    session = open_on(device, toy_model_dir, method=method)
    train_step(session, first_batch(session), 1)
    batch = first_batch(session)
    with waits(device) as found:
        train_step(session, batch, 2)
    assert found == []


@pytest.mark.parametrize("model_type", ["bert", "roberta", "distilbert"])
@torch.inference_mode()
def test_no_pass_without_a_mask_waits(model_type, device):
    model = toy_model(model_type)
    attach_random_gates(model)
    forms = candidates(model, Cut(remove=0.4), device)
    ids = toy_inputs()["input_ids"].to(device)
    for name in (DENSE, SHRUNK):
        forms.models[name](input_ids=ids)
        with waits(device) as found:
            forms.models[name](input_ids=ids)
        assert found == [], name
