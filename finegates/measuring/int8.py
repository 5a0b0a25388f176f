"""Dynamic int8: weights are stored in 8 bit, inputs of a product are rounded when they are known.

What onnxruntime offers for any classifier without data, and torch, as long as it has it: weights of
products alone, one scale for each output. Embeddings, attention and norms stay in float32.
"""

import copy
import logging
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from finegates.errors import ModelError

_PRODUCTS = ("MatMul", "Gemm")
_INT8_PRODUCT = "MatMulInteger"


@dataclass(frozen=True)
class Products:
    """Products with weights in an ONNX file; those of attention have none and are not counted.

    Attributes:
        int8: In 8 bit.
        float32: In float32.
    """

    int8: int
    float32: int


def check_int8() -> None:
    """Raises ModelError if what quantises an ONNX file is not installed."""
    _quantisation()


def quantise(path: Path, target: Path) -> None:
    """Writes an ONNX file whose products are int8, by `onnxruntime.quantization.quantize_dynamic`.

    Args:
        path: The file in float32; not changed.
        target: The new file.

    Raises:
        ModelError: If onnx or onnxruntime is not installed.
    """
    quantisation = _quantisation()
    with _without_advice():
        quantisation.quantize_dynamic(
            path,
            target,
            op_types_to_quantize=list(_PRODUCTS),
            per_channel=True,
            weight_type=quantisation.QuantType.QInt8,
        )


def count_products(path: Path) -> Products:
    """How many products of an ONNX file are int8, and how many float32.

    Raises:
        ModelError: If onnx is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise ModelError(
            "Reading an ONNX file needs the package onnx; pip install 'finegates[onnx]'."
        ) from error
    graph = onnx.load(path).graph
    weights = {tensor.name for tensor in graph.initializer}
    found = Counter(
        node.op_type
        for node in graph.node
        if node.op_type == _INT8_PRODUCT
        or (node.op_type in _PRODUCTS and weights & set(node.input[:2]))
    )
    return Products(found.pop(_INT8_PRODUCT, 0), found.total())


def torch_int8(model: PreTrainedModel) -> PreTrainedModel | None:
    """A copy whose `torch.nn.Linear` compute in int8, by ``torch.ao.quantization``.

    Args:
        model: On the CPU; not changed.

    Returns:
        None if torch no longer has it: it is deprecated. (On CPUs torchao was slower than float32.)
    """
    found: Any = getattr(getattr(torch, "ao", None), "quantization", None)
    if not hasattr(found, "quantize_dynamic"):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is deprecated
        wanted = {nn.Linear: found.per_channel_dynamic_qconfig}
        return found.quantize_dynamic(copy.deepcopy(model), wanted)


def _quantisation() -> Any:
    try:
        return import_module("onnxruntime.quantization")
    except ImportError as error:
        raise ModelError(
            "Timing int8 needs the packages onnx and onnxruntime; pip install 'finegates[onnx]', "
            "or leave int8 out."
        ) from error


@contextmanager
def _without_advice() -> Iterator[None]:
    """It advises to prepare the file by a step that changes none of its products."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
