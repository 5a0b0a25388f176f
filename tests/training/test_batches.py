"""Batches: their mask says what a model would find out by waiting for the device."""

import pytest
import torch
from transformers import AutoTokenizer

from finegates.nn.pretrained import load_pretrained
from finegates.training.batches import Padding
from tests.toy_models import (
    DECODER_TYPES,
    MODEL_TYPES,
    save_toy_decoder,
    save_toy_model,
    toy_inputs,
    toy_model,
)


@pytest.fixture(scope="module")
def padding(tmp_path_factory):
    folder = save_toy_model(tmp_path_factory.mktemp("toy") / "bert")
    return Padding(AutoTokenizer.from_pretrained(folder))


def rows(*lengths):
    return [{"input_ids": [5] * n, "attention_mask": [1] * n, "labels": 0} for n in lengths]


def test_rows_of_one_length_need_no_mask(padding):
    batch = padding(rows(4, 4))
    assert set(batch) == {"input_ids", "labels"} and batch["input_ids"].shape == (2, 4)


def test_padding_is_masked_as_attention_takes_it(padding):
    mask = padding(rows(4, 2))["attention_mask"]
    assert mask.dtype == torch.bool and mask.shape == (2, 1, 1, 4)
    assert mask[:, 0, 0].tolist() == [[True] * 4, [True, True, False, False]]


def decoder(model_type, folder):
    """A toy classifier, and what pads for it."""
    saved = save_toy_decoder(folder, model_type)
    model, tokenizer = load_pretrained(str(saved), ("no", "yes"), "classification")
    return model.eval(), Padding(tokenizer)


def test_a_decoder_gets_the_mask_that_it_adds_what_lies_ahead_to(tmp_path):
    _, padding = decoder("llama", tmp_path)
    batch = padding(rows(4, 2))
    assert batch["attention_mask"].tolist() == [[True] * 4, [True, True, False, False]]
    assert batch["input_ids"].tolist() == [[5] * 4, [5, 5, 2, 2]]  # its end of text, at the right


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_a_model_answers_as_with_the_tokenizers_own_mask(model_type, padding, tmp_path):
    model, inputs = toy_model(model_type), toy_inputs()
    if model_type in DECODER_TYPES:
        model, padding = decoder(model_type, tmp_path)
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    features = [
        {"input_ids": row[kept.bool()].tolist(), "attention_mask": [1] * int(kept.sum())}
        for row, kept in zip(ids, mask, strict=True)
    ]
    batch = padding(features)
    plain = {"input_ids": batch["input_ids"], "attention_mask": mask}
    full = [{"input_ids": ids[0].tolist(), "attention_mask": [1] * ids.shape[1]}]
    with torch.no_grad():
        assert torch.allclose(model(**batch).logits, model(**plain).logits, atol=1e-6)
        alone = model(ids[:1], attention_mask=mask[:1]).logits
        assert torch.allclose(model(**padding(full)).logits, alone, atol=1e-6)
