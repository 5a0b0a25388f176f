"""Writes a model as a program of ``torch.export``, which runs with torch alone."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import Dim
from transformers import PreTrainedModel

from finegates.shrinking.onnx import as_graph, example


class _Logits(nn.Module):
    """Returns a tensor: the outputs of transformers can't be read where it is not installed."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
    ) -> Tensor:
        segments = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        return self.model(input_ids=input_ids, attention_mask=attention_mask, **segments).logits


def export_program(model: PreTrainedModel, path: Path, inputs: Sequence[str]) -> None:
    """Writes a model as a program; ``torch.export.load(path).module()`` is called like it.

    Args:
        model: A classifier or causal language model, in evaluation.
        path: The file.
        inputs: What it takes, by name: int64 of shape ``(batch, length)`` each, any batch and
            length. It returns the logits.
    """
    with as_graph(model):
        program = torch.export.export(
            _Logits(model),
            (),
            kwargs={name: example(name) for name in inputs},
            dynamic_shapes={name: {0: Dim.DYNAMIC, 1: Dim.DYNAMIC} for name in inputs},
            strict=False,
        )
    with warnings.catch_warnings():
        # of weights that are kept transposed: they are written whole, and in their order
        warnings.filterwarnings("ignore", message="No complete tensor found")
        torch.export.save(program, path)
