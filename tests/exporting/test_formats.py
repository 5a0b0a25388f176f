"""Every architecture, with gates of every kind of shape, answers alike in every other format."""

import numpy as np
import pytest
import torch

from finegates.exporting.formats import FORMATS, write_formats
from finegates.exporting.package import FORMAT_FILES
from finegates.gates.cuts import Cut
from finegates.measuring.candidates import attach_random_gates
from finegates.shrinking.onnx import INPUTS
from finegates.shrinking.shrink import prune, shrink
from tests.toy_models import ENCODER_TYPES, toy_inputs, toy_language_model, toy_model

UNITS = (
    {},
    {"units": ("neurons", "heads"), "uniform": True},
    {"units": ("hidden", "neurons", "heads")},
)


@pytest.mark.slow
@pytest.mark.parametrize("gates", UNITS, ids=("matrices", "uniform", "hidden"))
@pytest.mark.parametrize("model_type", ENCODER_TYPES)
def test_a_smaller_model_answers_alike_in_every_format(model_type, gates, tmp_path):
    model = toy_model(model_type).eval()
    attach_random_gates(model, **gates)
    prune(model, Cut(remove=0.4))
    smaller = shrink(model, tuned_for="onnx").eval()
    write_formats(FORMATS, smaller, tmp_path, INPUTS)
    encoded = {name: toy_inputs()[name] for name in INPUTS}
    for rows in (slice(None), slice(0, 1)):
        given = {name: tensor[rows] for name, tensor in encoded.items()}
        with torch.no_grad():
            true = model(**given).logits.numpy()
        for name, form in FORMATS.items():
            answers = form.open(tmp_path / FORMAT_FILES[name], INPUTS)(given)
            np.testing.assert_allclose(answers, true, atol=2e-5, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("model_type", ["llama", "qwen3"])
@pytest.mark.parametrize("make", [toy_model, toy_language_model])
def test_a_smaller_decoder_answers_alike_at_every_length_without_a_cache(
    make, model_type, tmp_path
):
    model = make(model_type)
    attach_random_gates(model)
    prune(model, Cut(remove=0.4))
    smaller = shrink(model, tuned_for="onnx")
    assert smaller.config.use_cache
    write_formats(FORMATS, smaller, tmp_path, INPUTS)
    assert smaller.config.use_cache, "writing it changes nothing"
    opened = {n: form.open(tmp_path / FORMAT_FILES[n], INPUTS) for n, form in FORMATS.items()}
    for rows, length in ((3, 9), (1, 13), (2, 1), (1, 1)):
        given = (
            toy_inputs(rows, length)
            if length > 1
            else {n: torch.ones(rows, 1).long() for n in INPUTS}
        )
        seen = given["attention_mask"].bool().numpy() if make is toy_language_model else slice(None)
        with torch.no_grad():
            true = smaller(**given).logits.numpy()
        for name, answer in opened.items():
            np.testing.assert_allclose(answer(given)[seen], true[seen], atol=3e-5, err_msg=name)
