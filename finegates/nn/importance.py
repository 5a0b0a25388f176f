"""What a gate's weights matter by weight times gradient, summed over all that goes with it.

`importances` is LLM-Pruner's first-order term of elements (arXiv 2305.11627, ``param_first`` of
github.com/horseee/LLM-Pruner, commit 128a07d): ``sum |w g|`` over the rows and columns of all
matrices that a gate stands for, ``g`` accumulated over some batches before its size is taken.
`lora_importances` is LoRAPrune's (arXiv 2305.18403, github.com/aim-uofa/LoRAPrune, commit 4da5272),
which estimates ``g`` by the gradients of a low-rank update, so that no frozen weight needs one.

Both methods close the same share of each kind in each layer. Here one budget goes over the model,
so gates are made to compare, which is ours: the first by the weights that closing each frees, the
second, whose norms are of its own matrices, by the mean of its gate vector.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from finegates.gates.layout import GatedMatrix, GateLayout
from finegates.nn.attach import gated_linears
from finegates.nn.gated_linear import GatedLinear, LowRank
from finegates.nn.gates import Gates
from finegates.nn.sensitivity import weights_of_gates

_OVER = {"in": 0, "out": 1}
"""What is summed over, so that columns (``in``) or rows (``out``) are left."""


def importances(model: PreTrainedModel, gates: Gates, batches: Iterable[dict]) -> np.ndarray:
    """LLM-Pruner's ``sum |w g|`` of each gate, for each weight that it frees.

    The weight is that of the matrix with its low-rank update, as both are cut; LLM-Pruner has no
    update yet when it cuts. Frozen weights get gradients for this pass only, which takes as much
    memory again as they do, in float32.

    Args:
        model: Carries the gates, all open; nothing of it is changed.
        gates: Its gates.
        batches: Inputs with labels, on the model's device.

    Returns:
        At least 0, float64, shape ``(num_gates,)``.
    """
    gated = list(gated_linears(model))
    gradients = _gradients(model, [g.weight for g in gated], batches)
    pairs = zip(gated, gradients, strict=True)
    totals = _over_gates(gates.layout, (_sized(g, d) for g, d in pairs), lambda sums: sums)
    return totals / weights_of_gates(gates.layout)


def lora_importances(model: PreTrainedModel, gates: Gates, batches: Iterable[dict]) -> np.ndarray:
    """LoRAPrune's importance of each gate, over the mean of its gate vector.

    Of a matrix ``|G (W + s B A)|`` with ``G = dB A + B dA - dB dA``, where dA and dB are the
    gradients of the factors; the sums of a side over l2 norm of their vector, added up over the
    sides that go with a gate. LoRAPrune averages them over many steps, as it cuts again and again;
    here gates are closed once, by the mean gradient of these batches (ours).

    Args:
        model: Carries the gates, all open, with a low-rank update; nothing of it is changed.
        gates: Its gates.
        batches: Inputs with labels, on the model's device.

    Returns:
        At least 0, float64, shape ``(num_gates,)``.
    """
    gated = list(gated_linears(model))
    updates = [g.low_rank for g in gated if isinstance(g.low_rank, LowRank)]
    factors = [factor for update in updates for factor in (update.a, update.b)]
    found = _gradients(model, factors, batches)
    parts = zip(gated, updates, found[::2], found[1::2], strict=True)
    estimated = (_sized(g, _estimated(update, d_a, d_b)) for g, update, d_a, d_b in parts)
    totals = _over_gates(gates.layout, estimated, _over_norm)
    index = gates.layout.vector_index
    means = np.bincount(index, totals) / gates.layout.sizes
    return totals / np.where(means > 0, means, 1.0)[index]


def _estimated(update: LowRank, d_a: Tensor, d_b: Tensor) -> Tensor:
    a, b = update.a.detach(), update.b.detach()
    return d_b @ a + b @ d_a - d_b @ d_a


def _sized(gated: GatedLinear, gradient: Tensor) -> tuple[GatedMatrix, Tensor]:
    """A matrix and ``|w g|`` of its elements, ``(out_features, in_features)``."""
    return gated.matrix, (gated.merged_weight().detach().float() * gradient).abs()


def _over_norm(sums: np.ndarray) -> np.ndarray:
    return sums / max(float(np.linalg.norm(sums)), np.finfo(np.float32).tiny)


def _gradients(
    model: PreTrainedModel, parameters: Sequence[Tensor], batches: Iterable[dict]
) -> list[Tensor]:
    """Mean gradient of the loss in evaluation, float32: one tensor for each parameter."""
    totals = [torch.zeros_like(p, dtype=torch.float32, requires_grad=False) for p in parameters]
    number = 0
    with _graded(model, parameters):
        for batch in batches:
            with torch.enable_grad():
                found = torch.autograd.grad(model(**batch).loss, parameters)
            for total, gradient in zip(totals, found, strict=True):
                total += gradient
            number += 1
    return [total / max(number, 1) for total in totals]


@contextmanager
def _graded(model: nn.Module, parameters: Sequence[Tensor]) -> Iterator[None]:
    """The model in evaluation, these parameters with gradients; both as before afterwards."""
    was_training, had = model.training, [p.requires_grad for p in parameters]
    model.eval()
    for parameter in parameters:
        parameter.requires_grad_(True)
    try:
        yield
    finally:
        for parameter, value in zip(parameters, had, strict=True):
            parameter.requires_grad_(value)
        model.train(was_training)


def _over_gates(
    layout: GateLayout,
    elements: Iterable[tuple[GatedMatrix, Tensor]],
    scale: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """Sums over all rows and columns that go with a gate, float64, ``(num_gates,)``.

    Args:
        layout: Where each gate is.
        elements: Matrices, and of each at least 0, shape ``(out_features, in_features)``.
        scale: Of the sums of one side over the gates of one vector.
    """
    totals = np.zeros(layout.num_gates + 1)
    for matrix, values in elements:
        for name in matrix.sides:
            sums = values.sum(_OVER[name], dtype=torch.float64).cpu().numpy()
            side = layout.sides[layout.side_places[f"{matrix.name}.{name}"]]
            for gates in layout.gates_of_dimensions[:, side.slice]:
                if gates[0] < layout.num_gates:
                    totals += scale(np.bincount(gates, sums, layout.num_gates + 1))
    return totals[: layout.num_gates]
