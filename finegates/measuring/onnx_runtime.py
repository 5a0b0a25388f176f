"""Runs a classifier by onnxruntime, for timing it next to torch in one process."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from finegates.errors import ModelError, SpecError
from finegates.measuring.int8 import Products, count_products, quantise
from finegates.measuring.timing import Pass
from finegates.shrinking.onnx import INPUTS, export_onnx

_INT8_FILE = "int8.onnx"
_MASK = "attention_mask"


@dataclass(frozen=True)
class OnnxModel:
    """A classifier that onnxruntime runs.

    Attributes:
        session: An ``onnxruntime.InferenceSession``.
        file_bytes: Size of the file that it was loaded from.
        products: How many of its products are int8.
    """

    session: Any
    file_bytes: int
    products: Products


def check_onnx(device: str, dtype: str) -> None:
    """Says before anything is built whether a model can be timed by onnxruntime.

    Raises:
        SpecError: Unless it is float32 on the CPU.
        ModelError: If onnxruntime is not installed; writing the file names the other packages.
    """
    if (device, dtype) != ("cpu", "float32"):
        raise SpecError(
            f"ONNX was asked for on '{device}' in {dtype}; it is timed on cpu in float32 only. "
            "Give --device cpu --dtype float32, or leave ONNX out."
        )
    _onnxruntime()


def onnx_models(
    model: PreTrainedModel, *, int8: bool = False, inputs: Sequence[str] = INPUTS
) -> tuple[OnnxModel, ...]:
    """A model in float32 and, if asked for, in dynamic int8, on the CPU.

    The file is written as `finegates.exporting.export` writes it, into a folder that is gone
    afterwards; onnxruntime has as many threads as torch.

    Args:
        model: The classifier.
        int8: Whether to make the second.
        inputs: As `finegates.shrinking.onnx.export_onnx` takes them.

    Raises:
        ModelError: If onnxruntime, onnx or onnxscript is not installed.
    """
    _onnxruntime()
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / "float32.onnx"]
        export_onnx(model, paths[0], inputs)
        if int8:
            paths.append(Path(folder) / _INT8_FILE)
            quantise(*paths)
        return tuple(map(_loaded, paths))


def onnx_pass(model: OnnxModel, inputs: Mapping[str, Tensor]) -> Pass:
    """A pass that returns logits as an array, shape ``(batch, labels)``.

    Args:
        model: What runs.
        inputs: By name, as `finegates.training.batches.Padding` gives them, too: its mask is
            boolean, of shape ``(batch, 1, 1, length)``, or left out where nothing is padding.
            Segments that are left out are zeros.
    """
    ids = inputs["input_ids"]
    given = {_MASK: torch.ones_like(ids), **inputs}
    names = [one.name for one in model.session.get_inputs()]
    feed = {
        name: given.get(name, torch.zeros_like(ids)).reshape(ids.shape).long().numpy()
        for name in names
    }
    return lambda: model.session.run(["logits"], feed)[0]


def _loaded(path: Path) -> OnnxModel:
    runtime = _onnxruntime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    # A thread that waits for more work in a loop would slow down whatever is timed next.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return OnnxModel(session, path.stat().st_size, count_products(path))


def _onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(
            "Timing ONNX needs the package onnxruntime; pip install 'finegates[onnx]'."
        ) from error
    return onnxruntime
