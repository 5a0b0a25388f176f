"""Wanda (arXiv 2306.11695): weights that matter little on some rows become 0, once, untrained.

A weight matters by its size times the norm of what it multiplies; in each row of a matrix the
lowest share goes. Facts from the authors' code (github.com/locuslab/wanda, commit 8e8fc87). There
128 texts of a corpus tell; ours are 128 training rows, and padding does not count.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from finegates.adapters.largest import largest

CALIBRATION_ROWS = 128
_MASK, _LABELS = "attention_mask", "labels"


def first_rows(
    batches: Iterable[Mapping[str, Tensor]], count: int = CALIBRATION_ROWS
) -> Iterator[dict[str, Tensor]]:
    """The first rows of some batches, without labels; fewer if there are fewer.

    Args:
        batches: Tensors whose first dimension is the rows.
        count: How many rows at most.
    """
    for batch in batches:
        yield {name: value[:count] for name, value in batch.items() if name != _LABELS}
        count -= len(batch["input_ids"])
        if count <= 0:
            return


@torch.no_grad()
def input_norms(
    model: PreTrainedModel, modules: Sequence[nn.Module], batches: Iterable[Mapping[str, Tensor]]
) -> list[Tensor]:
    """Norm of each input feature of some modules over all tokens but padding.

    Args:
        model: Read in evaluation; left as it was.
        modules: Parts of it that take one tensor, ``(rows, tokens, features)``.
        batches: Inputs; a mask, if any, has as many numbers as there are tokens.

    Returns:
        For each module a float32 tensor, shape ``(features,)``.
    """
    was_training = model.training
    model.eval()
    squares: dict[int, Tensor] = {}
    for batch in batches:
        real = batch.get(_MASK, torch.ones_like(batch["input_ids"])).bool()
        real = real.reshape(batch["input_ids"].shape)

        def add(module: nn.Module, inputs: tuple, real: Tensor = real) -> None:
            found = inputs[0][real].float().square().sum(0)
            squares[id(module)] = squares.get(id(module), 0) + found

        with ExitStack() as hooked:
            for module in modules:
                hooked.enter_context(module.register_forward_pre_hook(add))
            model(**batch)
    model.train(was_training)
    return [squares[id(module)].sqrt() for module in modules]


def kept_weights(weight: Tensor, norms: Tensor, sparsity: float) -> Tensor:
    """Which weights stay: in each row all but the share that matters least.

    Args:
        weight: Shape ``(out_features, in_features)``.
        norms: Of the input features, shape ``(in_features,)``.
        sparsity: The share that goes, in [0, 1); one weight of a row stays at least.

    Returns:
        Boolean, of the weight's shape.
    """
    width = weight.shape[1]
    kept = max(1, width - round(sparsity * width))
    return largest(weight.detach().abs().float() * norms, kept)
