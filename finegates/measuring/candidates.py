"""What is timed side by side: a gated model dense, with masks and shrunk, by torch and as ONNX."""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedModel

from finegates.errors import SpecError
from finegates.gates.cuts import AS_TRAINED, Cut
from finegates.gates.laws import GaussianLaw
from finegates.gates.removal import Removal
from finegates.gates.units import MATRICES
from finegates.measuring.onnx_runtime import check_onnx, onnx_pass, onnx_session
from finegates.measuring.timing import Pass, cuda_graph
from finegates.models.sources import model_sizes
from finegates.nn.attach import attach_gates, gates_of
from finegates.shrinking.fold import fold
from finegates.shrinking.hardware import Hardware
from finegates.shrinking.shrink import prune, shrink

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
DENSE, MASKED, SHRUNK = "dense", "masked", "shrunk"
ONNX_DENSE, ONNX_SHRUNK = "onnx_dense", "onnx_shrunk"
_SPREAD = 0.15


@dataclass(frozen=True)
class Candidates:
    """One gated model in each form.

    Attributes:
        models: ``dense`` without gates, ``masked`` with gates as masks, ``shrunk`` really smaller.
        sessions: ``onnx_dense`` and ``onnx_shrunk`` for onnxruntime; empty if not asked for.
        cut: Where the gates were cut off.
        removed: What that removed.
    """

    models: dict[str, PreTrainedModel]
    sessions: dict[str, Any]
    cut: Cut
    removed: Removal

    def passes(
        self, inputs: dict[str, Tensor], *, cuda_graphs: bool = False, compiled: bool = False
    ) -> dict[str, Pass]:
        """What runs each of them on these inputs once.

        With CUDA graphs, dense and shrunk are captured and read no mask, which full rows don't
        need; the masked model is left out. Compiled, by ``torch.compile`` for these very shapes,
        each takes its time when it first runs.
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
            for name, model in models.items()
        }
        return passes | {name: onnx_pass(s, inputs) for name, s in self.sessions.items()}


def candidates(
    model: PreTrainedModel,
    cut: Cut | None,
    device: str = "cpu",
    dtype: str = "float32",
    *,
    onnx: bool = False,
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
        dense: Candidates of the same model made before, whose dense forms are taken over.
        tuned_for: How the shrunk one is laid out, as `shrink` takes it; for the device if None.

    Raises:
        SpecError: If the dtype is unknown, or ONNX can't be timed so.
        ModelError: If the model has no gates, or ONNX's packages are missing.
    """
    if dtype not in DTYPES:
        raise SpecError(f"dtype is '{dtype}'; allowed are {', '.join(DTYPES)}.")
    if onnx:
        check_onnx(device, dtype)
    masked, cut = copy.deepcopy(model), cut or AS_TRAINED
    prune(masked, cut)
    gates = gates_of(masked)
    gates.settled = True
    shrunk = shrink(masked, tuned_for=tuned_for or torch.device(device).type)
    plain = dense.models[DENSE] if dense else without_gates(model)
    models: dict[str, Any] = {DENSE: plain, MASKED: masked, SHRUNK: shrunk}
    models = {name: m.to(device, DTYPES[dtype]).eval() for name, m in models.items()}
    sessions = _sessions(models, dense) if onnx else {}
    return Candidates(models, sessions, cut, gates.removal())


def without_gates(model: PreTrainedModel) -> PreTrainedModel:
    """A dense copy: its time does not depend on its weights, so closed gates are forgotten."""
    plain = copy.deepcopy(model)
    fold(plain)
    return plain


def attach_random_gates(
    model: PreTrainedModel, seed: int = 0, units: tuple[str, ...] = (MATRICES,)
) -> None:
    """Gates with unequal shares in layers, matrices and heads, as trained ones have."""
    gates = attach_gates(model, GaussianLaw(), units=units)
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


def random_model(name: str) -> PreTrainedModel:
    """A model built from its config alone: its weights decide neither time nor size.

    Raises:
        ModelError: If its config can't be had.
    """
    config = dict(model_sizes(name))
    model_type = config.pop("model_type")
    torch.manual_seed(0)
    return AutoModelForSequenceClassification.from_config(
        AutoConfig.for_model(model_type, **config)
    )


def _sessions(models: dict[str, PreTrainedModel], dense: Candidates | None) -> dict[str, Any]:
    known = dense.sessions.get(ONNX_DENSE) if dense else None
    return {
        ONNX_DENSE: known or onnx_session(models[DENSE]),
        ONNX_SHRUNK: onnx_session(shrink(models[MASKED], tuned_for="onnx")),
    }
