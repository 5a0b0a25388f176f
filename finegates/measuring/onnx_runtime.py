"""Runs a classifier by onnxruntime, for timing it next to torch in one process."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from finegates.errors import ModelError, SpecError
from finegates.measuring.timing import Pass
from finegates.shrinking.onnx import ONNX_FILE, export_onnx


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


def onnx_session(model: PreTrainedModel) -> Any:
    """An ``onnxruntime.InferenceSession`` of a model on the CPU, with as many threads as torch.

    The file is written as `finegates.exporting.export` writes it, into a folder that is gone
    afterwards.

    Raises:
        ModelError: If onnxruntime, onnx or onnxscript is not installed.
    """
    runtime = _onnxruntime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    # A thread that waits for more work in a loop would slow down whatever is timed next.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ONNX_FILE
        export_onnx(model, path)
        return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def onnx_pass(session: Any, inputs: Mapping[str, Tensor]) -> Pass:
    """A pass that returns logits as an array, shape ``(batch, labels)``."""
    feed = {name: value.numpy() for name, value in inputs.items()}
    return lambda: session.run(["logits"], feed)[0]


def _onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(
            "Timing ONNX needs the package onnxruntime; pip install 'finegates[onnx]'."
        ) from error
    return onnxruntime
