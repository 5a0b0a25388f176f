"""What is timed side by side: a gated model dense, with masks and shrunk, by torch and as ONNX."""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import (
    AutoConfig,
    PreTrainedConfig,
    PreTrainedModel,
)

from finegates.errors import SpecError
from finegates.gates.cuts import AS_TRAINED, Cut
from finegates.gates.laws import GaussianLaw
from finegates.gates.removal import Removal
from finegates.gates.units import AUTO
from finegates.measuring.int8 import check_int8, torch_int8
from finegates.measuring.onnx_runtime import OnnxModel, check_onnx, onnx_models, onnx_pass
from finegates.measuring.timing import Pass, cuda_graph
from finegates.models.sources import model_sizes
from finegates.nn.attach import GATES_NAME, attach_gates, gates_of
from finegates.nn.model_parts import model_of
from finegates.shrinking.fold import fold_into
from finegates.shrinking.hardware import Hardware
from finegates.shrinking.onnx import INPUTS
from finegates.shrinking.shrink import prune, shrink

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
DENSE, MASKED, SHRUNK = "dense", "masked", "shrunk"
ONNX_DENSE, ONNX_SHRUNK = "onnx_dense", "onnx_shrunk"
INT8_DENSE, INT8_SHRUNK = "int8_dense", "int8_shrunk"
TORCH_INT8_DENSE, TORCH_INT8_SHRUNK = "torch_int8_dense", "torch_int8_shrunk"
_SPREAD = 0.15


@dataclass(frozen=True)
class Candidates:
    """One gated model in each form.

    Attributes:
        models: ``dense`` without gates, ``masked`` with gates as masks, ``shrunk`` really smaller.
        onnx: ``onnx_dense`` and ``onnx_shrunk`` for onnxruntime, and ``int8_dense`` and
            ``int8_shrunk``; empty if not asked for.
        torch_int8: ``torch_int8_dense`` and ``torch_int8_shrunk``; empty if not asked for, or
            torch has no int8.
        cut: Where the gates were cut off.
        removed: What that removed.
        dense_answers: Whether the dense ones answer as training left the model; else they only take
            its time, see `without_gates`.
    """

    models: dict[str, PreTrainedModel]
    onnx: dict[str, OnnxModel]
    torch_int8: dict[str, PreTrainedModel]
    cut: Cut
    removed: Removal
    dense_answers: bool = True

    def passes(
        self, inputs: dict[str, Tensor], *, cuda_graphs: bool = False, compiled: bool = False
    ) -> dict[str, Pass]:
        """What runs each of them on these inputs once.

        With CUDA graphs, dense and shrunk are captured and read no mask, which full rows don't
        need; the masked model is left out. Compiled, by ``torch.compile`` for these very shapes,
        each takes its time when it first runs. int8 is as it is.
        """
        ids, device = inputs["input_ids"], str(inputs["input_ids"].device)
        names = [DENSE, SHRUNK] if cuda_graphs else list(self.models)
        models: dict[str, Any] = {name: self.models[name] for name in names}
        if compiled:
            models = {name: torch.compile(m, dynamic=False) for name, m in models.items()}
        if cuda_graphs:
            return {
                name: cuda_graph(lambda m=model: m(input_ids=ids), device)  # type: ignore[misc]
                for name, model in models.items()
            }
        passes: dict[str, Pass] = {
            name: lambda m=model: m(**inputs)  # type: ignore[misc]
            for name, model in {**models, **self.torch_int8}.items()
        }
        return passes | {name: onnx_pass(model, inputs) for name, model in self.onnx.items()}


def candidates(
    model: PreTrainedModel,
    cut: Cut | None,
    device: str = "cpu",
    dtype: str = "float32",
    *,
    onnx: bool = False,
    int8: bool = False,
    onnx_inputs: Sequence[str] = INPUTS,
    dense: Candidates | None = None,
    tuned_for: str | Hardware | None = None,
) -> Candidates:
    """A gated model in each form, on a device.

    Args:
        model: With gates; not changed.
        cut: Where its gates are cut off; None takes them as training left them.
        device: As torch names it.
        dtype: One of `DTYPES`.
        onnx: Whether onnxruntime shall run dense and shrunk, too: on the CPU in float32.
        int8: Whether it, and torch if it can, shall run both in dynamic int8 next to that.
        onnx_inputs: As `finegates.shrinking.onnx.export_onnx` takes them.
        dense: Candidates of the same model made before, whose dense forms are taken over.
        tuned_for: How the shrunk one is laid out, as `shrink` takes it; for the device if None.

    Raises:
        SpecError: If the dtype is unknown, or ONNX can't be timed so.
        ModelError: If the model has no gates, or ONNX's packages are missing.
    """
    if dtype not in DTYPES:
        raise SpecError(f"dtype is '{dtype}'; allowed are {', '.join(DTYPES)}.")
    if onnx or int8:
        check_onnx(device, dtype)
    if int8:
        check_int8()
    masked, cut = copy.deepcopy(model), cut or AS_TRAINED
    prune(masked, cut)
    gates = gates_of(masked)
    gates.settled = True
    shrunk = shrink(masked, tuned_for=tuned_for or torch.device(device).type)
    plain = dense.models[DENSE] if dense else without_gates(model)
    models: dict[str, Any] = {DENSE: plain, MASKED: masked, SHRUNK: shrunk}
    models = {name: m.to(device, DTYPES[dtype]).eval() for name, m in models.items()}
    by_onnx = _by_onnx(models, dense, int8, onnx_inputs) if onnx or int8 else {}
    by_torch = _torch_int8(models) if int8 else {}
    answers = not gates_of(model).closed_hidden()
    return Candidates(models, by_onnx, by_torch, cut, gates.removal(), answers)


def without_gates(model: PreTrainedModel) -> PreTrainedModel:
    """A copy at its full size that answers as training left it; zeros take as long as weights.

    Dimensions of the residual stream that are closed are opened in it, or the norms of its class
    would take others for them: it has the dense model's time, and not its answers.
    """
    plain = copy.deepcopy(model)
    gates = gates_of(plain) if hasattr(plain, GATES_NAME) else None
    if gates is not None and gates.layout.hidden and gates.closed_hidden():
        closed = gates.closed_array()
        closed[gates.layout.hidden.slice] = False
        gates.close_exactly(closed)
    fold_into(plain)
    return plain


def attach_random_gates(
    model: PreTrainedModel,
    seed: int = 0,
    units: Iterable[str] = (AUTO,),
    uniform: bool = False,
) -> None:
    """Gates with unequal shares in layers, matrices and heads, as trained ones have."""
    gates = attach_gates(model, GaussianLaw(), units=tuple(units), uniform=uniform)
    rng, layout = np.random.default_rng(seed), gates.layout
    means = rng.uniform(0, 1, layout.num_gates)
    means += rng.normal(0, _SPREAD, len(layout.vectors))[layout.vector_index]
    for vector in layout.vectors:
        for start, end in layout.heads_of(vector):
            means[vector.start + start : vector.start + end] += rng.normal(0, _SPREAD)
    gates.set_means(means.astype(np.float32))
    gates.settled = True


def random_inputs(model: PreTrainedModel, batch_size: int, length: int) -> dict[str, Tensor]:
    """Full rows of random tokens on the model's device, shape ``(batch_size, length)``."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(5, model.config.vocab_size, (batch_size, length), generator=generator)
    return {
        "input_ids": ids.to(model.device),
        "attention_mask": torch.ones_like(ids).to(model.device),
    }


def random_model(name: str, *, language_model: bool = False) -> PreTrainedModel:
    """A model built from its config alone: its weights decide neither time nor size.

    Args:
        name: Of the model.
        language_model: Whether it is a causal language model, not a classifier.

    Raises:
        ModelError: If its config can't be had.
    """
    torch.manual_seed(0)
    config = config_of(name)
    pad_somehow(config)
    return model_of(config, language_model=language_model)


def pad_somehow(config: PreTrainedConfig) -> None:
    """Names a padding token: a decoder's classifier without one takes one row alone."""
    if config.pad_token_id is None:
        config.pad_token_id = 0


def config_of(name: str) -> PreTrainedConfig:
    """The config of a model, without its weights.

    Raises:
        ModelError: If it can't be had.
    """
    config = dict(model_sizes(name))
    return AutoConfig.for_model(config.pop("model_type"), **config)


def _by_onnx(
    models: dict[str, PreTrainedModel],
    known: Candidates | None,
    int8: bool,
    inputs: Sequence[str],
) -> dict[str, OnnxModel]:
    dense, shrunk = (ONNX_DENSE, INT8_DENSE), (ONNX_SHRUNK, INT8_SHRUNK)
    wanted = dense[: 1 + int8]
    if known and set(wanted) <= known.onnx.keys():
        found = {name: known.onnx[name] for name in wanted}
    else:
        made = onnx_models(models[DENSE], int8=int8, inputs=inputs)
        found = dict(zip(wanted, made, strict=True))
    smaller = shrink(models[MASKED], tuned_for="onnx")
    made = onnx_models(smaller, int8=int8, inputs=inputs)
    return found | dict(zip(shrunk[: 1 + int8], made, strict=True))


def _torch_int8(models: dict[str, PreTrainedModel]) -> dict[str, PreTrainedModel]:
    made = {TORCH_INT8_DENSE: DENSE, TORCH_INT8_SHRUNK: SHRUNK}
    found = {name: torch_int8(models[of]) for name, of in made.items()}
    return {name: model for name, model in found.items() if model is not None}
