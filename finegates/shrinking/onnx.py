"""Writes a model as ONNX, which runs without finegates and without torch."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from transformers import PreTrainedModel

from finegates.errors import ModelError

INPUTS = ("input_ids", "attention_mask")
_EXAMPLE_LENGTH = 8
_CHUNKS = "chunk_size_feed_forward"


def export_onnx(model: PreTrainedModel, path: Path, inputs: Sequence[str] = INPUTS) -> None:
    """Writes a model as ONNX: one pass over whole texts, of a decoder too, which caches nothing.

    Args:
        model: A classifier, or a causal language model.
        path: The file.
        inputs: What it takes: int64 of shape ``(batch, length)`` each, any batch and length, named
            as the tokenizer names them. ``logits`` is the output.

    Raises:
        ModelError: If onnx or onnxscript is not installed.
    """
    try:
        import onnxscript  # noqa: F401  torch needs it
    except ImportError as error:
        raise ModelError(
            "ONNX export needs the packages onnx and onnxscript; pip install 'finegates[onnx]'."
        ) from error
    with as_graph(model):
        torch.onnx.export(
            model,
            (),
            str(path),
            kwargs={name: example(name) for name in inputs},
            dynamo=True,
            input_names=list(inputs),
            output_names=["logits"],
            dynamic_shapes={name: {0: "batch", 1: "length"} for name in inputs},
            external_data=False,
            verbose=False,
        )


def example(name: str) -> torch.Tensor:
    """Rows of which the second is half padding: a mask of ones would be left out of the graph."""
    whole = name in ("input_ids", "attention_mask")
    rows = torch.full((2, _EXAMPLE_LENGTH), int(whole))
    rows[1, _EXAMPLE_LENGTH // 2 :] = int(name == "input_ids")
    return rows


@contextlib.contextmanager
def as_graph(model: PreTrainedModel) -> Iterator[None]:
    """Has a model compute what a graph can hold.

    Feed-forwards at once: in chunks, which only save memory, a graph is for one length alone. And
    no cache, which would be one more output for each layer.
    """
    chunked = {m: getattr(m, _CHUNKS) for m in model.modules() if getattr(m, _CHUNKS, 0)}
    caches = getattr(model.config, "use_cache", None)
    for module in chunked:
        setattr(module, _CHUNKS, 0)
    if caches:
        model.config.use_cache = False
    try:
        yield
    finally:
        for module, size in chunked.items():
            setattr(module, _CHUNKS, size)
        if caches:
            model.config.use_cache = caches
