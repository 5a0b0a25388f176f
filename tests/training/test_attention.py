"""Training on a CPU in bfloat16 attends in float32: the same answers, closer to the exact ones."""

import pytest
import torch
from accelerate import Accelerator
from transformers import AutoModelForSequenceClassification
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from finegates.training.attention import IN_FLOAT32, LONGEST, USUAL, attend, choose_attention
from finegates.training.session import make_accelerator
from tests.toy_models import MODEL_TYPES, VOCABULARY, toy_model


def drawn(tokens: int, dtype: torch.dtype) -> list[torch.Tensor]:
    """Queries, keys and values of 3 rows and 4 heads of 8, the same in every precision."""
    generator = torch.Generator().manual_seed(0)
    values = [torch.randn(3, 4, tokens, 8, generator=generator) for _ in range(3)]
    return [value.bfloat16().to(dtype).requires_grad_() for value in values]


def both_ways(attention, tokens: int, dtype: torch.dtype) -> list[torch.Tensor]:
    """What is read, and the gradients of its squares."""
    inputs = drawn(tokens, dtype)
    mask = (torch.arange(tokens) < torch.tensor([[tokens], [1], [tokens // 2 + 1]]))[:, None, None]
    read, weights = attention(torch.nn.Module(), *inputs, mask)
    assert weights is None and read.dtype == dtype
    read.float().square().sum().backward()
    return [read.detach(), *(value.grad for value in inputs)]


def furthest(found: list[torch.Tensor], exact: list[torch.Tensor]) -> float:
    pairs = zip(found, exact, strict=True)
    return max(float((one.double() - other.double()).abs().max()) for one, other in pairs)


@pytest.mark.parametrize("tokens", [1, 7, 64])
def test_it_reads_what_transformers_reads_and_goes_back_more_exactly(tokens):
    exact = both_ways(sdpa_attention_forward, tokens, torch.float64)
    usual = both_ways(sdpa_attention_forward, tokens, torch.bfloat16)
    ours = both_ways(attend, tokens, torch.bfloat16)
    assert furthest(ours, exact) < 0.1
    assert furthest(ours, exact) <= furthest(usual, exact)


def test_long_rows_are_left_to_the_usual_kernel():
    for tokens, same in ((LONGEST + 1, True), (LONGEST, False)):
        usual = both_ways(sdpa_attention_forward, tokens, torch.bfloat16)
        assert (furthest(both_ways(attend, tokens, torch.bfloat16), usual) == 0) is same


def test_a_mask_that_is_added_may_be_of_any_precision():
    inputs = drawn(5, torch.bfloat16)
    mask = torch.zeros(3, 1, 1, 5, dtype=torch.bfloat16)
    mask[..., 3:] = torch.finfo(torch.bfloat16).min
    added, _ = attend(torch.nn.Module(), *inputs, mask)
    boolean, _ = attend(torch.nn.Module(), *inputs, mask == 0)
    torch.testing.assert_close(added, boolean)


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_every_type_answers_as_before(model_type):
    model = toy_model(model_type)
    ids = torch.arange(3, 3 + 12).reshape(2, 6) % VOCABULARY
    mask = torch.tensor([[1] * 6, [1] * 4 + [0] * 2])
    usual = model(input_ids=ids, attention_mask=mask).logits
    model.set_attn_implementation(IN_FLOAT32)
    torch.testing.assert_close(model(input_ids=ids, attention_mask=mask).logits, usual)


@pytest.fixture
def accelerator(monkeypatch) -> Accelerator:
    """Of a CPU that computes in bfloat16, whether this one does or not."""
    found = make_accelerator("cpu", "fp32")
    monkeypatch.setattr(found.state, "_mixed_precision", "bf16")
    return found


def test_it_is_chosen_where_it_is_faster_and_stays_in_no_file(accelerator, tmp_path):
    model = toy_model()
    choose_attention(model, accelerator)
    assert model.config._attn_implementation == IN_FLOAT32
    model.save_pretrained(tmp_path)
    again = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    assert again.config._attn_implementation == USUAL
    assert IN_FLOAT32 not in (tmp_path / "config.json").read_text()


def test_it_is_not_chosen_in_float32_nor_over_another_choice(accelerator):
    eager = toy_model()
    eager.set_attn_implementation("eager")
    choose_attention(eager, accelerator)
    assert eager.config._attn_implementation == "eager"
    model = toy_model()
    choose_attention(model, make_accelerator("cpu", "fp32"))
    assert model.config._attn_implementation == USUAL
