"""Times how a decoder writes: prefill, which reads a prompt, and decoding, token by token.

Prefill is bound by products, so its ceiling is their ratio. Decoding one token reads every weight
and all that is cached, so its ceiling is the ratio of bytes; head and cache count in both.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import Cache, PreTrainedConfig, PreTrainedModel

from finegates.errors import ModelError, SpecError
from finegates.files.progress import Progress, part, silent
from finegates.gates.cuts import Cut
from finegates.measuring.candidates import DENSE, MASKED, SHRUNK, Candidates, candidates
from finegates.measuring.steadiness import Watch, steadiness
from finegates.measuring.timing import Pass, interleaved, median_ratio, ratios, spread
from finegates.nn.pretrained import longest_input
from finegates.shrinking.cost import Cost, dense_cost, needed_cost, num_parameters
from finegates.training.session import check_usable

PREFILL, DECODE = "prefill", "decode"
PHASES = (PREFILL, DECODE)
_TIMED = (DENSE, SHRUNK)


@dataclass(frozen=True)
class Writing:
    """What is timed.

    Attributes:
        batch_size: Rows.
        prompt: Tokens of a row that are read at once.
        new_tokens: Tokens that are written after them, one by one.
    """

    batch_size: int
    prompt: int
    new_tokens: int

    @property
    def seen(self) -> float:
        """Tokens that a new one sees, on average."""
        return self.prompt + self.new_tokens / 2


@torch.inference_mode()
def generation_bench(
    model: PreTrainedModel,
    cut: Cut | None,
    writing: Writing,
    *,
    dtype: str = "float32",
    device: str = "cpu",
    repeats: int = 10,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Times a gated causal language model dense and shrunk, side by side.

    Args:
        model: With gates; not changed.
        cut: Where its gates are cut off; None takes them as they are.
        writing: What is timed.
        dtype: One of `finegates.measuring.candidates.DTYPES`.
        device: As torch names it.
        repeats: Passes of each.
        progress: Is told how far it is.

    Returns:
        The cut and what it removed; for each phase seconds of both with their spread, tokens per
        second, ``speedup``, ``ideal`` (the ceiling) and ``realised_over_ideal``; bytes that are
        cached of a token and bytes of weights, of both; on a GPU the peak memory of both;
        ``max_logit_difference`` of masked and shrunk, over the largest logit.

    Raises:
        ModelError: If it is no causal language model with gates.
        SpecError: If it reads no text as long, or an argument does not fit the device.
    """
    check_usable(device)
    _check(model, writing)
    forms = candidates(model, cut, device, dtype)
    dense, shrunk = (forms.models[name] for name in _TIMED)
    ids = _prompts(dense, writing)
    contexts = {name: _read(forms.models[name], ids) for name in _TIMED}
    result: dict[str, Any] = {**asdict(forms.cut), **asdict(forms.removed), **asdict(writing)}
    result |= {"dtype": dtype, "device": str(dense.device), "repeats": repeats}
    with Watch() as watch:
        reading = interleaved(
            {name: _reader(forms.models[name], ids) for name in _TIMED},
            repeats, str(dense.device), part(progress, 0.0, 0.5),
        )  # fmt: skip
        decoding = interleaved(
            {name: _writer(forms.models[name], contexts[name], writing) for name in _TIMED},
            repeats, str(dense.device), part(progress, 0.5, 1.0),
        )  # fmt: skip
    result |= steadiness(watch, ratios(decoding[DENSE], decoding[SHRUNK]), torch.get_num_threads())
    cached = {name: _cached_bytes(contexts[name], writing) for name in _TIMED}
    result |= {f"kv_bytes_per_token_{name}": count for name, count in cached.items()}
    result |= _phase(PREFILL, reading, writing.batch_size * writing.prompt)
    result |= _phase(DECODE, decoding, writing.batch_size * writing.new_tokens)
    ideals = {
        PREFILL: _prefill_ideal(shrunk.config, needed_cost(shrunk), writing),  # type: ignore[arg-type]
        DECODE: _decode_ideal(shrunk, cached, writing, dense.dtype.itemsize),
    }
    for phase, ideal in ideals.items():
        result[f"{phase}_ideal"] = ideal
        result[f"{phase}_realised_over_ideal"] = result[f"{phase}_speedup"] / ideal
    result |= {f"{name}_params": num_parameters(forms.models[name]) for name in _TIMED}
    result |= _peaks(forms, ids, contexts, writing)
    return result | {"max_logit_difference": _difference(forms, ids)}


def _check(model: PreTrainedModel, writing: Writing) -> None:
    if not model.can_generate():
        raise ModelError(
            f"A {type(model).__name__} writes no text; prefill and decoding are timed of a causal "
            "language model."
        )
    length, longest = writing.prompt + writing.new_tokens, longest_input(model.config)
    if length > longest:
        raise SpecError(
            f"{writing.prompt} tokens of a prompt and {writing.new_tokens} new ones are {length}; "
            f"this model reads at most {longest}."
        )


def _prompts(model: PreTrainedModel, writing: Writing) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    shape = (writing.batch_size, writing.prompt)
    ids = torch.randint(5, model.config.vocab_size, shape, generator=generator)
    return ids.to(model.device)


def _read(model: PreTrainedModel, ids: Tensor) -> Cache:
    """What a model caches of prompts."""
    return model(input_ids=ids, use_cache=True, logits_to_keep=1).past_key_values


def _reader(model: PreTrainedModel, ids: Tensor) -> Pass:
    return lambda: _read(model, ids)


def _writer(model: PreTrainedModel, context: Cache, writing: Writing) -> Pass:
    """Writes new tokens greedily after a context, which stays as it is."""

    def write() -> None:
        cache = _same_context(context)
        token = torch.full((writing.batch_size, 1), 5, device=model.device)
        for _ in range(writing.new_tokens):
            told = model(input_ids=token, past_key_values=cache, use_cache=True)
            token = told.logits[:, -1].argmax(-1, keepdim=True)

    return write


def _same_context(context: Cache) -> Cache:
    """A cache that begins with the same tensors: what is added makes new ones."""
    cache = copy.copy(context)
    cache.layers = [copy.copy(layer) for layer in context.layers]
    return cache


def _phase(phase: str, times: Mapping[str, Sequence[float]], tokens: int) -> dict[str, float]:
    """Times of a phase in seconds, of all its tokens, and what follows from them."""
    result: dict[str, float] = {}
    for name, seconds in times.items():
        median, low, high = spread(seconds).values()
        result |= {
            f"{phase}_{name}_s": median,
            f"{phase}_{name}_p10_s": low,
            f"{phase}_{name}_p90_s": high,
            f"{phase}_{name}_tokens_per_s": tokens / median,
        }
    found = ratios(times[DENSE], times[SHRUNK])
    _, low, high = spread(found).values()
    result[f"{phase}_speedup"] = median_ratio(times[DENSE], times[SHRUNK])
    return result | {f"{phase}_speedup_p10": low, f"{phase}_speedup_p90": high}


def _cached_bytes(context: Cache, writing: Writing) -> int:
    """Bytes that are cached of a token, in all layers."""
    layers: list[Any] = context.layers
    per_token = (
        t.numel() // (writing.batch_size * t.shape[-2]) * t.element_size()
        for layer in layers
        for t in (layer.keys, layer.values)
    )
    return sum(per_token)


def _head_weights(config: PreTrainedConfig) -> int:
    return int(config.vocab_size * config.hidden_size)


def _prefill_ideal(config: PreTrainedConfig, needed: Cost, writing: Writing) -> float:
    """Products of the dense model over those that the gates leave; a token sees those before it."""

    def products(cost: Cost) -> float:
        seen = writing.prompt * (writing.prompt + 1) / 2
        layers = writing.prompt * cost.products_per_token + seen * cost.score_products
        return layers + _head_weights(config)

    return products(dense_cost(config)) / products(needed)


def _decode_ideal(
    shrunk: PreTrainedModel, cached: Mapping[str, int], writing: Writing, itemsize: int
) -> float:
    """Bytes that the dense model reads for a step over those that the gates leave."""
    weights = {
        DENSE: dense_cost(shrunk.config).products_per_token,
        SHRUNK: needed_cost(shrunk).products_per_token,  # type: ignore[arg-type]
    }
    head = _head_weights(shrunk.config)
    read = {
        name: itemsize * (weights[name] + head) + writing.batch_size * writing.seen * cached[name]
        for name in _TIMED
    }
    return read[DENSE] / read[SHRUNK]


def _peaks(
    forms: Candidates, ids: Tensor, contexts: Mapping[str, Cache], writing: Writing
) -> dict[str, int]:
    """Bytes of each one's weights; on a GPU also the most that writing takes beside all weights."""
    models = {name: forms.models[name] for name in _TIMED}
    result = {
        f"{name}_weight_bytes": sum(p.numel() * p.element_size() for p in model.parameters())
        for name, model in models.items()
    }
    if ids.device.type != "cuda":
        return result
    for name, model in models.items():
        before = torch.cuda.memory_allocated(ids.device)
        torch.cuda.reset_peak_memory_stats(ids.device)
        _read(model, ids)
        _writer(model, contexts[name], writing)()
        most = torch.cuda.max_memory_allocated(ids.device) - before
        result[f"{name}_peak_bytes"] = result[f"{name}_weight_bytes"] + most
    return result


def _difference(forms: Candidates, ids: Tensor) -> float:
    """Largest difference of masked and shrunk logits of one prompt, over the largest logit."""
    masked, shrunk = (
        forms.models[name](input_ids=ids[:1]).logits.float() for name in (MASKED, SHRUNK)
    )
    return float((masked - shrunk).abs().max() / masked.abs().max().clamp(min=1e-12))
