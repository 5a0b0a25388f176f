"""Times a shrunk model against its dense self, honestly: side by side, interleaved, in one process.

Every round runs each candidate once, in an order that turns round; a speed-up is the median of
ratios of neighbouring passes, so that a machine that slows down slows both.
"""

import copy
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedModel

from finegates.attach import attach_gates, gates_of
from finegates.errors import SpecError
from finegates.laws import GaussianLaw
from finegates.models import model_sizes
from finegates.shrink import prune, shrink
from finegates.shrinking.fold import fold
from finegates.sizes import computed_cost, dense_cost, needed_cost, num_parameters

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
DENSE, MASKED, SHRUNK = "dense", "masked", "shrunk"
_SPREAD = 0.15
_STABLE = 0.1
_MAX_WARM_UP = 10

Pass = Callable[[], Any]


def attach_random_gates(model: PreTrainedModel, seed: int = 0) -> None:
    """Gates with unequal shares in layers, matrices and heads, as trained ones have."""
    gates = attach_gates(model, GaussianLaw())
    rng, layout = np.random.default_rng(seed), gates.layout
    means = rng.uniform(0, 1, layout.num_gates)
    means += rng.normal(0, _SPREAD, len(layout.vectors))[layout.vector_index]
    for vector in layout.vectors:
        for start, end in layout.head_bounds(vector):
            means[vector.start + start : vector.start + end] += rng.normal(0, _SPREAD)
    gates.set_means(means.astype(np.float32))
    gates.settled = True


def candidates(
    model: PreTrainedModel, remove: float | None, device: str, dtype: str
) -> dict[str, PreTrainedModel]:
    """The three models: without gates, with gates as masks, and really smaller.

    Args:
        model: With gates; not changed.
        remove: Budget, as in `finegates.shrink.shrink`.
        device: As torch names it.
        dtype: One of `DTYPES`.

    Raises:
        SpecError: If the dtype is unknown or the budget out of range.
    """
    if dtype not in DTYPES:
        raise SpecError(f"dtype is '{dtype}'; allowed are {', '.join(DTYPES)}.")
    dense, masked = copy.deepcopy(model), copy.deepcopy(model)
    fold(dense)  # takes gates off: the time of a dense model does not depend on its weights
    prune(masked, remove=remove)
    gates_of(masked).settled = True
    shrunk = shrink(masked, tuned_for=torch.device(device).type)
    models: dict[str, Any] = {DENSE: dense, MASKED: masked, SHRUNK: shrunk}
    return {name: m.to(device, DTYPES[dtype]).eval() for name, m in models.items()}


def random_inputs(model: PreTrainedModel, batch_size: int, length: int) -> dict[str, Tensor]:
    """Full rows of random tokens on the model's device, shape ``(batch_size, length)``."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(5, model.config.vocab_size, (batch_size, length), generator=generator)
    return {
        "input_ids": ids.to(model.device),
        "attention_mask": torch.ones_like(ids).to(model.device),
    }


def random_model(name: str) -> PreTrainedModel:
    """A model built from its config alone: its weights decide neither time nor size.

    Raises:
        ModelError: If its config can't be had.
    """
    config = dict(model_sizes(name))
    model_type = config.pop("model_type")
    torch.manual_seed(0)
    return AutoModelForSequenceClassification.from_config(
        AutoConfig.for_model(model_type, **config)
    )


@torch.inference_mode()
def interleaved(passes: Mapping[str, Pass], repeats: int, device: str) -> dict[str, list[float]]:
    """Seconds of each pass, ``repeats`` of them, after a warm-up until times are stable."""
    wait = torch.cuda.synchronize if device.startswith("cuda") else lambda: None
    for run in passes.values():
        _warm_up(run, wait)
    times: dict[str, list[float]] = {name: [] for name in passes}
    for number in range(repeats):
        for name in list(passes)[:: 1 if number % 2 else -1]:
            times[name].append(_seconds(passes[name], wait))
    return times


def bench(
    model: PreTrainedModel,
    *,
    remove: float | None,
    batch_size: int,
    length: int,
    dtype: str = "float32",
    device: str = "cpu",
    repeats: int = 10,
) -> dict[str, Any]:
    """Times a gated model dense, with masks and shrunk.

    Args:
        model: With gates; not changed.
        remove: Fraction of the gated weights to remove; None takes the gates as they are.
        batch_size: Rows of a pass.
        length: Tokens of a row.
        dtype: One of `DTYPES`.
        device: As torch names it.
        repeats: Passes of each.

    Returns:
        Times in seconds, ``speedup``, ``mac_ratio`` (the ceiling: dense products over those that
        the gates leave at least), ``realised_over_ideal``, sizes, and the largest difference of
        logits of masked and shrunk relative to their scale.
    """
    models = candidates(model, remove, device, dtype)
    inputs = random_inputs(models[DENSE], batch_size, length)
    passes: dict[str, Pass] = {n: lambda m=m: m(**inputs) for n, m in models.items()}  # type: ignore[misc]
    times = interleaved(passes, repeats, device)
    result: dict[str, Any] = {"remove": remove, "batch_size": batch_size, "seq_len": length}
    result |= {"dtype": dtype, "device": device, "repeats": repeats}
    for name, seconds in times.items():
        result |= _summary(name, seconds)
    return result | _ratios(times, models, length) | _sizes(models) | _difference(models, inputs)


def _ratios(
    times: Mapping[str, Sequence[float]], models: Mapping[str, Any], length: int
) -> dict[str, float]:
    speedup = median_ratio(times[DENSE], times[SHRUNK])
    dense = dense_cost(models[DENSE]).macs(length)
    ceiling = dense / max(needed_cost(models[SHRUNK]).macs(length), 1)
    return {
        "speedup": speedup,
        "masked_speedup": median_ratio(times[DENSE], times[MASKED]),
        "mac_ratio": ceiling,
        "computed_mac_ratio": dense / max(computed_cost(models[SHRUNK]).macs(length), 1),
        "realised_over_ideal": speedup / ceiling,
    }


def _sizes(models: Mapping[str, PreTrainedModel]) -> dict[str, int]:
    return {f"{name}_params": num_parameters(models[name]) for name in (DENSE, SHRUNK)}


@torch.inference_mode()
def _difference(
    models: Mapping[str, PreTrainedModel], inputs: Mapping[str, Tensor]
) -> dict[str, float]:
    masked, shrunk = (models[name](**inputs).logits.float() for name in (MASKED, SHRUNK))
    scale = float(masked.abs().max())
    return {"max_logit_difference": float((masked - shrunk).abs().max()) / max(scale, 1e-12)}


def median_ratio(times: Sequence[float], others: Sequence[float]) -> float:
    """Median of ``times / others``, pass by pass."""
    return statistics.median(a / b for a, b in zip(times, others, strict=True))


def _summary(name: str, seconds: Sequence[float]) -> dict[str, float]:
    low, high = np.quantile(seconds, [0.1, 0.9])
    median = statistics.median(seconds)
    return {f"{name}_s": median, f"{name}_p10_s": float(low), f"{name}_p90_s": float(high)}


def _warm_up(run: Pass, wait: Callable[[], None]) -> None:
    """Until two passes in a row take about the same time."""
    last = _seconds(run, wait)
    for _ in range(_MAX_WARM_UP):
        now = _seconds(run, wait)
        if abs(now - last) < _STABLE * last:
            return
        last = now


def _seconds(run: Pass, wait: Callable[[], None]) -> float:
    wait()
    started = time.perf_counter()
    run()
    wait()
    return time.perf_counter() - started
