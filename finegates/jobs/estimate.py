"""What a run will cost, before it is started: time from earlier runs, memory from the sizes.

The time comes from the rate that finished runs reached on the same kind of device, counted in
floating point operations; without any, from a rough figure for the kind of device, and the estimate
says so. The same kind is a GPU of the same model on any host, or the same CPU of this host.
"""

import socket
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from finegates.errors import FineGatesError
from finegates.jobs.inputs import check_device
from finegates.machine.devices import Device
from finegates.models.architectures import architecture_of, layout_of_config
from finegates.models.parameters import method_params
from finegates.models.sources import EMBEDDED_MODEL, is_reference, model_sizes
from finegates.models.sparse_sizes import returning_params
from finegates.runs.folder import Run, list_runs
from finegates.runs.status import Status
from finegates.spec import BFLOAT16, FLOAT32, TEXT_TASK, RunSpec

TOKENS_PER_WORD = 1.35
SPECIAL_TOKENS = 2
ROUGH_FLOPS = {"cpu": 4e10 * (psutil.cpu_count(logical=False) or 1), "cuda": 2e13, "mps": 2e12}
START_S = 8.0
_PROCESS_BYTES = 550e6
_BYTES_PER_WEIGHT = 4
_ACTIVATIONS_PER_LAYER = 34
"""Floats kept for the backward pass, for each token and hidden unit of a layer (measured)."""
_ACTIVATIONS_OF_DECODERS = {"hidden": 12, "intermediate": 4.5}
"""The same of a decoder's layer, for each token and hidden unit, and neuron (measured)."""
_BYTES_OF = {FLOAT32: 4, BFLOAT16: 2}
_LOGITS = 3
"""Times that a language model's logits are in memory: as they are, as probabilities, and what the
backward pass makes of them."""
_FOR_EACH_TRAINED = 3
"""Numbers besides the weight itself: its gradient, and AdamW's two."""
_MOST_RUNS_READ = 20


@dataclass(frozen=True)
class Estimate:
    """What a run will cost.

    Attributes:
        steps: Optimizer steps.
        seconds: Wall time, the start included.
        memory_bytes: Peak memory of the device (with the CPU: of the process).
        basis: Where the time comes from, in words.
    """

    steps: int
    seconds: float
    memory_bytes: int
    basis: str


def estimate_cost(
    spec: RunSpec, num_train: int, num_validation: int, mean_words: float, runs_dir: Path
) -> Estimate:
    """Estimates a run's cost.

    Args:
        spec: The run.
        num_train: Training rows, after `max_train_samples`.
        num_validation: Validation rows.
        mean_words: Mean number of words of a row, both texts together.
        runs_dir: Where finished runs are looked up.

    Raises:
        ModelError: If the model's config can't be read.
        SpecError: If this machine has no such device.
    """
    config = model_sizes(spec.model)
    num_train, num_validation = (
        num_rows(spec, number, mean_words) for number in (num_train, num_validation)
    )
    tokens = min(_tokens(spec, mean_words), spec.max_length)
    rate, basis = _flops_rate(check_device(spec.device)[0], runs_dir, spec)
    of_row = _row_flops(spec, config, tokens)
    work = of_row * num_train * spec.epochs
    work += of_row / 2 * _evaluated_rows(spec, num_train, num_validation)
    return Estimate(
        steps=spec.total_steps(num_train),
        seconds=START_S + work / rate,
        memory_bytes=int(_memory(config, spec, tokens)),
        basis=basis,
    )


def num_rows(spec: RunSpec, texts: int, mean_words: float) -> int:
    """Rows that texts become: blocks of a language model's documents, else one of each text.

    Args:
        spec: The run.
        texts: How many texts there are.
        mean_words: Mean number of words of one.
    """
    if spec.task != TEXT_TASK:
        return texts
    return max(1, int(texts * (mean_words * TOKENS_PER_WORD + 1) / spec.max_length))


def _tokens(spec: RunSpec, mean_words: float) -> float:
    """Of a row, before anything is cut; a block has as many as it has."""
    whole = mean_words * TOKENS_PER_WORD + SPECIAL_TOKENS
    return spec.max_length if spec.task == TEXT_TASK else whole


def _row_flops(spec: RunSpec, config: Mapping[str, Any], tokens: float) -> float:
    """As `training_flops`, with the product by the vocabulary where each token is predicted."""
    work = training_flops(config, tokens)
    if spec.is_language:
        hidden = architecture_of(str(config["model_type"])).size(config, "hidden")
        work += 2 * 2 * hidden * _vocabulary(config) * tokens
    return work


def _vocabulary(config: Mapping[str, Any]) -> int:
    return int(config.get("vocab_size", 30522))


def training_flops(config: Mapping[str, Any], tokens: float) -> float:
    """Operations of one row's training step: forward, and backward to the inputs only."""
    return 2 * 2 * layout_of_config(config).num_gated_weights * tokens


def _evaluated_rows(spec: RunSpec, num_train: int, num_validation: int) -> float:
    steps = spec.total_steps(num_train)
    evaluation_in_steps = num_validation / 2 / spec.batch_size  # forward only
    return num_validation * -(
        -steps // spec.steps_between_evaluations(num_train, evaluation_in_steps)
    )


def _flops_rate(device: Device, runs_dir: Path, spec: RunSpec) -> tuple[float, str]:
    earlier = list_runs(runs_dir)[:_MOST_RUNS_READ]
    rates = [rate for run in earlier if (rate := _rate_of(run, device, spec))]
    kind = device.name.split(":")[0]
    where = device.hardware if kind == "cuda" else device.name
    if rates:
        runs = "run" if len(rates) == 1 else "runs"
        return statistics.median(rates), f"from {len(rates)} finished {runs} on {where}"
    return ROUGH_FLOPS.get(kind, ROUGH_FLOPS["cpu"]), f"rough: no finished run on {where} yet"


def _rate_of(run: Run, device: Device, asked: RunSpec) -> float | None:
    """Of a run on the model that is asked about, or on one whose sizes are known here.

    Any other model, whose name comes from the run folder alone, is neither looked for on this
    machine nor requested from the hub.
    """
    try:
        spec = run.spec
        if spec.model not in (asked.model, EMBEDDED_MODEL) and not is_reference(spec.model):
            return None
        status = run.status()
        if status.state != "finished" or not status.samples_per_s:
            return None
        if not _same_kind(status, device, spec.num_processes == asked.num_processes):
            return None
        words = run.record["data"].get("mean_words")
        work = _row_flops(spec, model_sizes(spec.model), _tokens(spec, words))
    except (FineGatesError, TypeError):
        return None
    return status.samples_per_s * work


def _same_kind(status: Status, device: Device, as_many: bool) -> bool:
    """Whether a run trained on the same kind of device.

    Args:
        status: The run's; an older one does not record its hardware.
        device: The device.
        as_many: Whether it had as many processes as are asked for, so as many GPUs.
    """
    if device.name.startswith("cuda") and status.hardware:
        return as_many and status.hardware == device.hardware
    return status.host == socket.gethostname() and status.device == device.name


def _memory(config: Mapping[str, Any], spec: RunSpec, tokens: float) -> float:
    architecture = architecture_of(str(config["model_type"]))
    hidden, layers = (architecture.size(config, what) for what in ("hidden", "layers"))
    each = float(hidden * _ACTIVATIONS_PER_LAYER)
    if architecture.is_decoder:
        floats = _ACTIVATIONS_OF_DECODERS.items()
        each = sum(number * architecture.size(config, what) for what, number in floats)
    weights = layout_of_config(config).num_gated_weights + _vocabulary(config) * hidden
    longest_over_mean = 1.0 if spec.task == TEXT_TASK else 2.5
    in_batch = spec.batch_size * tokens * longest_over_mean
    activations = layers * in_batch * each
    if spec.gradient_checkpointing:  # a layer's input, and all of the one that is computed again
        activations = in_batch * (layers * hidden + each)
    if spec.is_language:
        activations += _LOGITS * in_batch * _vocabulary(config)
    trained = method_params(spec, config) + returning_params(spec, config)
    numbers = weights + _FOR_EACH_TRAINED * trained + activations
    held = _BYTES_OF[spec.base_dtype] * weights
    return _PROCESS_BYTES + _BYTES_PER_WEIGHT * numbers + held
