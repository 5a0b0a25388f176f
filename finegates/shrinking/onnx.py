"""Writes a classifier as ONNX, which runs without finegates and without torch."""

from pathlib import Path

import torch
from transformers import PreTrainedModel

from finegates.errors import ModelError

ONNX_FILE = "model.onnx"
_EXAMPLE_LENGTH = 8


def export_onnx(model: PreTrainedModel, path: Path) -> None:
    """Writes a classifier as ONNX with inputs ``input_ids`` and ``attention_mask``.

    Both are int64 of shape ``(batch, length)``, any batch and length; ``logits`` is the output.

    Raises:
        ModelError: If onnx or onnxscript is not installed.
    """
    try:
        import onnxscript  # noqa: F401  torch needs it
    except ImportError as error:
        raise ModelError(
            "ONNX export needs the packages onnx and onnxscript; pip install 'finegates[onnx]'."
        ) from error
    ids = torch.ones((2, _EXAMPLE_LENGTH), dtype=torch.long)
    mask = ids.clone()
    mask[1, _EXAMPLE_LENGTH // 2 :] = 0  # a mask of ones would be left out of the graph
    axes = {0: "batch", 1: "length"}
    torch.onnx.export(
        model,
        (),
        str(path),
        kwargs={"input_ids": ids, "attention_mask": mask},
        dynamo=True,
        input_names=["input_ids", "attention_mask"],
        output_names=["logits"],
        dynamic_shapes={"input_ids": axes, "attention_mask": axes},
        external_data=False,
        verbose=False,
    )
