"""Files of a model for runtimes that need no finegates: what writes each, and what asks it.

Each takes exactly what the tokenizer gives, for any number of rows and tokens, and returns logits.
"""

import json
import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from finegates.errors import ModelError, SpecError, unknown_name
from finegates.exporting.package import FORMAT_FILES
from finegates.shrinking.onnx import export_onnx
from finegates.shrinking.openvino import export_openvino
from finegates.shrinking.program import export_program

Encoded = dict[str, Tensor]
Answer = Callable[[Encoded], np.ndarray]
_EXACT = {"INFERENCE_PRECISION_HINT": "f32"}
"""Where the processor has bfloat16, OpenVINO would round more than is compared."""


@dataclass(frozen=True)
class Format:
    """One kind of file.

    Attributes:
        write: Writes a model in evaluation into a file; takes the names of its inputs.
        open: From the file's path and the names, what answers encoded texts with logits.
        lines: Python that runs it, ``tokenizer`` being there.
        runtime: What has to be installed.
    """

    write: Callable[[PreTrainedModel, Path, Sequence[str]], None]
    open: Callable[[Path, Sequence[str]], Answer]
    lines: str
    runtime: str


def write_formats(
    names: Collection[str], model: PreTrainedModel, folder: Path, inputs: Sequence[str]
) -> None:
    """Writes a model in these formats of `FORMATS` into a folder.

    Raises:
        ModelError: If a package is missing.
    """
    for name, form in FORMATS.items():
        if name in names:
            form.write(model, folder / FORMAT_FILES[name], inputs)


def check_formats(names: Collection[str]) -> None:
    """Raises SpecError if one of these formats is not known."""
    for name in names:
        if name not in FORMATS:
            raise SpecError(unknown_name("format", name, tuple(FORMATS)))


def _write_openvino(model: PreTrainedModel, path: Path, inputs: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as place:
        onnx_file = path.with_name(FORMAT_FILES["onnx"])
        if not onnx_file.is_file():
            onnx_file = Path(place) / onnx_file.name
            export_onnx(model, onnx_file, inputs)
        export_openvino(onnx_file, path)


def _open_onnx(path: Path, inputs: Sequence[str]) -> Answer:
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(
            "Checking an ONNX file needs the package onnxruntime; pip install 'finegates[onnx]'."
        ) from error
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    _check_inputs(path, [i.name for i in session.get_inputs()], inputs)
    return lambda encoded: session.run(["logits"], {n: t.numpy() for n, t in encoded.items()})[0]


def _open_openvino(path: Path, inputs: Sequence[str]) -> Answer:
    import openvino  # which has just written it

    compiled: Any = openvino.Core().compile_model(str(path), "CPU", _EXACT)
    _check_inputs(path, [i.get_any_name() for i in compiled.inputs], inputs)
    return lambda encoded: compiled({n: t.numpy() for n, t in encoded.items()})["logits"]


def _open_program(path: Path, inputs: Sequence[str]) -> Answer:
    program = torch.export.load(path).module()

    @torch.inference_mode()
    def answer(encoded: Encoded) -> np.ndarray:
        return program(**{name: encoded[name] for name in inputs}).numpy()

    return answer


def _check_inputs(path: Path, taken: Sequence[str], given: Sequence[str]) -> None:
    if {*taken} != {*given}:
        raise ModelError(
            f"{path.name} takes {', '.join(taken)}; the tokenizer gives {', '.join(given)}."
        )


FORMATS = {
    "onnx": Format(
        export_onnx, _open_onnx,
        'session = onnxruntime.InferenceSession("model.onnx")\n'
        'logits = session.run(["logits"], dict(tokenizer(["A text."], return_tensors="np")))[0]',
        "onnxruntime",
    ),
    "openvino": Format(
        _write_openvino, _open_openvino,
        f"exact = {json.dumps(_EXACT)}  # else bfloat16 where the processor has it\n"
        'model = openvino.Core().compile_model("openvino_model.xml", "CPU", exact)\n'
        'logits = model(dict(tokenizer(["A text."], return_tensors="np")))["logits"]',
        "openvino",
    ),
    "pt2": Format(
        export_program, _open_program,
        'model = torch.export.load("model.pt2").module()\n'
        'logits = model(**tokenizer(["A text."], return_tensors="pt"))',
        "torch",
    ),
}  # fmt: skip
"""Those of `FORMAT_FILES`, in the order of writing: OpenVINO's file is made of the ONNX file."""
