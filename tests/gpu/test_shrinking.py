"""A shrunk model gives the gated model's logits, in every precision, replayed and compiled."""

import pytest
import torch

from finegates.gates.cuts import Cut
from finegates.measuring.bench import bench
from finegates.measuring.candidates import DENSE, MASKED, SHRUNK, attach_random_gates, candidates
from finegates.measuring.timing import cuda_graph
from tests.toy_models import ENCODER_TYPES, toy_inputs, toy_model

TOLERANCES = {"float32": 1e-4, "bfloat16": 6e-2, "float16": 1e-2}
"""Largest difference of logits to those of float32, relative to the largest logit."""


def gated(model_type="bert"):
    model = toy_model(model_type)
    attach_random_gates(model)
    return model


def difference(one, other):
    return float((one.float().cpu() - other.float().cpu()).abs().max() / other.float().abs().max())


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("model_type", ENCODER_TYPES)
@torch.inference_mode()
def test_shrunk_equals_gated(model_type, dtype, device):
    model = gated(model_type)
    wanted = candidates(model, Cut(remove=0.4)).models[MASKED](**toy_inputs()).logits
    inputs = {name: value.to(device) for name, value in toy_inputs().items()}
    forms = candidates(model, Cut(remove=0.4), device, dtype)
    for name in (MASKED, SHRUNK):
        assert difference(forms.models[name](**inputs).logits, wanted) < TOLERANCES[dtype], name


@torch.inference_mode()
def test_a_replayed_pass_reads_what_is_in_its_inputs(device, on_gpu):
    """On the CPU, which has no graphs: the pass itself, into which new tokens are copied."""
    forms = candidates(gated(), Cut(remove=0.4), device)
    ids = toy_inputs(4, 16)["input_ids"].to(device)
    for name in (DENSE, SHRUNK):
        model, kept = forms.models[name], {}

        def run(model=model, kept=kept):
            kept["logits"] = model(input_ids=ids).logits

        replay = cuda_graph(run, device) if on_gpu else run
        for seed in (1, 2):
            new = torch.randint(3, 50, ids.shape, generator=torch.Generator().manual_seed(seed))
            ids.copy_(new.to(device))
            replay()
            assert difference(kept["logits"], model(input_ids=ids.clone()).logits) < 1e-4


def test_bench_compares_replayed_models(device, on_gpu):
    result = bench(
        gated(),
        Cut(remove=0.4),
        batch_size=2,
        length=8,
        device=device,
        repeats=3,
        cuda_graphs=on_gpu,
    )
    assert result["cuda_graphs"] == on_gpu and result["max_logit_difference"] < 1e-3
    assert result["speedup"] > 0 and ("masked_s" in result) != on_gpu
