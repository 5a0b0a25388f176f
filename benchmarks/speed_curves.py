"""Time over sparsity, relative to dense: of one matrix product, and of passes over a data set.

The two parts of the paper's Figure 3 (arXiv 2412.12951), as plain numbers to be drawn or kept.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from benchmarks.indexed_linear import indexed_linear, open_indices
from finegates.errors import SpecError
from finegates.gates.cuts import Cut
from finegates.measuring.candidates import DENSE, SHRUNK, candidates
from finegates.measuring.timing import interleaved, ratios, spread
from finegates.shrinking.cost import Cost, dense_cost, needed_cost
from finegates.shrinking.layers import read

SPARSITIES = tuple(number / 10 for number in range(10))
PRODUCT, INDEXED = "product", "indexed"
Batch = Mapping[str, Tensor]


@dataclass(frozen=True)
class SpeedPoint:
    """How long something takes at one sparsity, relative to dense.

    Attributes:
        sparsity: Fraction of the weights that is removed, in [0, 1).
        median: Time factor: seconds over those of dense in the same round, the median of rounds.
        p10: Its 10th percentile.
        p90: Its 90th percentile.
        ideal: The factor of multiply-accumulates that are left at least; what time can come down to
            where nothing else costs any.
        dense_s: Median seconds of dense.
    """

    sparsity: float
    median: float
    p10: float
    p90: float
    ideal: float
    dense_s: float


def product_points(
    sparsities: Sequence[float] = SPARSITIES,
    *,
    rows: int = 4096,
    in_features: int = 768,
    out_features: int = 3072,
    repeats: int = 10,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> Iterator[dict[str, SpeedPoint]]:
    """Times one matrix product against smaller ones; rows and columns are closed in equal shares.

    Args:
        sparsities: Fractions of the weights to remove, each in [0, 1).
        rows: Of the input.
        in_features: Width of the input.
        out_features: Width of the output.
        repeats: Rounds.
        device: As torch names it.
        dtype: Of weights and input.

    Yields:
        For each sparsity ``product``, the smaller product alone, and ``indexed``, which reads the
        open columns of a wide input and puts the open rows in their places of a wide output.

    Raises:
        SpecError: If a sparsity is out of range.
    """
    dense = nn.Linear(in_features, out_features, device=device, dtype=dtype)
    x = torch.randn(rows, in_features, device=device, dtype=dtype)
    for sparsity in _checked(sparsities):
        left = (1 - sparsity) ** 0.5
        columns, kept = (open_indices(width, left, device) for width in (in_features, out_features))
        narrow, indexed = indexed_linear(dense, kept, columns)
        passes = {
            DENSE: partial(dense, x),
            PRODUCT: partial(narrow, read(x, columns)),
            INDEXED: partial(indexed, x),
        }
        times = interleaved(passes, repeats, device)
        ideal = len(columns) * len(kept) / (in_features * out_features)
        yield {
            name: _point(sparsity, times[name], times[DENSE], ideal) for name in (PRODUCT, INDEXED)
        }


def pass_points(
    model: PreTrainedModel,
    batches: Sequence[Batch],
    sparsities: Sequence[float] = SPARSITIES,
    *,
    repeats: int = 10,
    device: str = "cpu",
    dtype: str = "float32",
) -> Iterator[SpeedPoint]:
    """Times one pass over a data set by the shrunk model against the dense one.

    Args:
        model: With gates; not changed.
        batches: What the model is given: ``input_ids`` and ``attention_mask`` of shape
            ``(rows, length)``.
        sparsities: Fractions of the gated weights to remove, each in [0, 1).
        repeats: Passes over all batches.
        device: As torch names it.
        dtype: One of `finegates.measuring.candidates.DTYPES`.

    Yields:
        A point for each sparsity.

    Raises:
        SpecError: If a sparsity is out of range, or there is no batch.
    """
    if not batches:
        raise SpecError("There is no batch to time; give one or more.")
    here = [{name: value.to(device) for name, value in batch.items()} for batch in batches]
    before = None
    for sparsity in _checked(sparsities):
        before = candidates(model, Cut(remove=sparsity), device, dtype, dense=before)
        dense: Any = before.models[DENSE]
        shrunk: Any = before.models[SHRUNK]
        passes = {
            DENSE: lambda m=dense: [m(**batch) for batch in here],
            SHRUNK: lambda m=shrunk: [m(**batch) for batch in here],
        }
        times = interleaved(passes, repeats, device)
        ideal = _macs(needed_cost(shrunk), batches) / _macs(dense_cost(dense.config), batches)
        yield _point(sparsity, times[SHRUNK], times[DENSE], ideal)


def _macs(cost: Cost, batches: Sequence[Batch]) -> int:
    shapes = (batch["input_ids"].shape for batch in batches)
    return sum(rows * cost.macs(length) for rows, length in shapes)


def _point(
    sparsity: float, seconds: Sequence[float], dense: Sequence[float], ideal: float
) -> SpeedPoint:
    factors = spread(ratios(seconds, dense))
    return SpeedPoint(sparsity, **factors, ideal=ideal, dense_s=spread(dense)["median"])


def _checked(sparsities: Sequence[float]) -> Sequence[float]:
    for sparsity in sparsities:
        if not 0 <= sparsity < 1:
            raise SpecError(f"A sparsity is {sparsity}; it has to be 0 or more and below 1.")
    return sparsities
