"""Prunes a classifier with the library Torch-Pruning, for comparison.

It traces which dimensions hang together and removes them from all matrices at once, the ones of
least importance first: their magnitude, or what the loss feels of them (Taylor's first term).
"""

import copy
from collections.abc import Sequence
from typing import Any

import torch_pruning
from torch import nn
from transformers import PreTrainedModel

from finegates.gates.layout import ROLES
from finegates.measuring.candidates import random_inputs
from finegates.models.architectures import architecture_of
from finegates.nn.model_parts import encoder_layers
from finegates.shrinking.cost import Cost

EVERYTHING, INNER = "torch-pruning, everything", "torch-pruning, heads and neurons"
KINDS = {
    EVERYTHING: "heads, neurons and dimensions of the residual stream with the embeddings",
    INNER: "heads and neurons; the residual stream stays as wide as it was",
}
_ROUND_TO = 8
"""Widths are kept at multiples of it, as ours are on a CPU."""
_STEPS = 1000
_TRACED = (2, 16)


def prune_by_torch_pruning(
    dense: PreTrainedModel, remove: float, kind: str, batches: Sequence[dict] = ()
) -> PreTrainedModel:
    """A copy without the least important weights, as dense as before.

    Args:
        dense: A classifier; not changed.
        remove: Fraction of the weights of the layers' six matrices, met as nearly as whole heads
            allow.
        kind: One of `KINDS`.
        batches: Inputs with labels, whose gradients say what is important; magnitude says it
            without any.
    """
    model = copy.deepcopy(dense).train(False).requires_grad_(True)  # it traces by gradients
    architecture = architecture_of(model.config.model_type)
    heads = {
        layer.get_submodule(architecture.roles[role]): model.config.num_attention_heads
        for layer in encoder_layers(model)
        for role in "qkv"
    }
    ratio = ratio_for(model, remove, kind)
    measure = torch_pruning.importance
    by = measure.TaylorImportance if batches else measure.MagnitudeImportance
    pruner = torch_pruning.pruner.BasePruner(
        model,
        example_inputs=random_inputs(model, *_TRACED),
        importance=by(group_reduction="mean"),
        pruning_ratio=ratio,
        head_pruning_ratio=ratio,
        num_heads=heads,
        prune_num_heads=True,
        prune_head_dims=False,
        round_to=_ROUND_TO,
        output_transform=lambda output: output.logits.sum(),
        ignored_layers=ignored(model, kind),
    )
    for batch in batches:
        model(**batch).loss.backward()
    pruner.step()
    model.zero_grad()
    for layer in encoder_layers(model):
        query = layer.get_submodule(architecture.roles["q"])
        _tell_heads(layer.get_submodule(architecture.attention), query, pruner.num_heads[query])
    return model


def ratio_for(model: PreTrainedModel, remove: float, kind: str) -> float:
    """The ratio of heads and channels whose weights come nearest to the wanted fraction."""
    config = model.config
    heads, hidden = config.num_attention_heads, config.hidden_size
    neurons = config.intermediate_size

    def kept(ratio: float) -> float:
        """As the library rounds: whole heads down, widths down to the multiple."""
        inner, residual = (
            int(width * (1 - ratio)) // _ROUND_TO * _ROUND_TO for width in (neurons, hidden)
        )
        attention = hidden // heads * int(heads * (1 - ratio))
        left = (residual if kind == EVERYTHING else hidden) * (4 * attention + 2 * inner)
        return left / (hidden * (4 * hidden + 2 * neurons))

    ratios = (number / _STEPS for number in range(_STEPS))
    return min(ratios, key=lambda ratio: abs(1 - kept(ratio) - remove))


def ignored(model: PreTrainedModel, kind: str) -> list[nn.Module]:
    """What keeps its width: the head, and what writes into the residual stream if that does."""
    architecture = architecture_of(model.config.model_type)
    kept = [model.get_submodule(name) for name in architecture.head]
    if kind == EVERYTHING:
        return kept
    return kept + [
        layer.get_submodule(architecture.roles[role])
        for layer in encoder_layers(model)
        for role in ("o", "output")
    ]


def layers_cost(model: PreTrainedModel) -> Cost:
    """What the layers of a pruned model compute, from the sizes of its matrices."""
    roles = architecture_of(model.config.model_type).roles
    layers: list[dict[str, Any]] = [
        {role: layer.get_submodule(roles[role]) for role in ROLES}
        for layer in encoder_layers(model)
    ]
    return Cost(
        sum(layer[role].weight.numel() for layer in layers for role in ROLES),
        sum(layer["q"].out_features + layer["v"].out_features for layer in layers),
    )


def _tell_heads(attention: Any, query: Any, heads: int) -> None:
    """The library cuts weights only; the module's numbers follow, as in the library's example."""
    attention.num_attention_heads = heads
    attention.attention_head_size = query.out_features // heads
    attention.all_head_size = query.out_features
