"""One training step of ours against one of LoRA by peft: time side by side, and peak memory.

    python -m benchmarks.step [--device cpu|cuda] [--steps 20] [--models minilm] [--lengths 32]

LoRA is there on query and value, as peft has it, and on all six matrices, as our gates are; gates
with all weights trained stand beside plain full fine-tuning. The
steps of all candidates alternate in one process, in an order that turns round each time; every
ratio is of two steps of one round. Peak memory is of a fresh process for each, on a GPU of what
each adds to the memory in use. RoBERTa is built from its config with random weights: time does not
depend on them. Rows are written as soon as a model and a length are measured, over those of an
earlier call on the same machine: benchmarks/results/step.json; the last line printed is that JSON.
"""

import argparse
import gc
import json
import multiprocessing
import resource
import statistics
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import torch
import transformers
from torch.optim.lr_scheduler import LambdaLR
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from benchmarks.rows import add_row
from finegates.adapters import adapter_of
from finegates.gates.layout import ROLES
from finegates.measuring.candidates import random_model
from finegates.measuring.timing import clock_of, ratios, spread
from finegates.models.architectures import is_decoder_type
from finegates.models.sources import find_model
from finegates.nn.penalty import PENALTIES
from finegates.spec import RunSpec, make_spec
from finegates.training.adapt import adapt
from finegates.training.attention import choose_attention
from finegates.training.distributed import Processes
from finegates.training.loop import train_step
from finegates.training.optimizer import make_optimizer
from finegates.training.session import Session, make_accelerator

REFERENCE, SAME_MATRICES, FULL = "lora", "lora, six matrices", "full"
REFERENCES = {REFERENCE: "", SAME_MATRICES: "_same_matrices", FULL: "_full"}
"""And what follows ``ratio`` in the names of ratios to each."""
CANDIDATES: dict[str, dict[str, Any]] = {
    REFERENCE: {"method": "lora"},
    SAME_MATRICES: {"method": "lora", "target_modules": ROLES},
    "finegates": {"method": "finegates"},
    "finegates, settled": {"method": "finegates"},
    "finegates+lora": {"method": "finegates+lora"},
}
"""Beside LoRA."""
BESIDE_FULL: dict[str, dict[str, Any]] = {
    FULL: {"method": "full"},
    "finegates+full": {"method": "finegates+full"},
}
"""Beside full fine-tuning, which trains every weight as they do; timed apart, for the memory."""
KEY = ("model", "length", "device", "candidate", "compiled")
ROWS, WARM_UP = 32, 2
SETTLED = "settled"
"""After rounding: gates are held, and have no noise and no gradient."""

_SMALLEST_VOCABULARY = 50
"""Which tokens they are does not decide how long a step takes."""

Step = Callable[[int], None]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--models", default="minilm,roberta-base")
    parser.add_argument("--lengths", default="32,128", help="tokens of the longest rows")
    parser.add_argument("--compile", action="store_true", help="compile each with torch.compile")
    options = parser.parse_args(arguments)
    for name in options.models.split(","):
        for length in map(int, options.lengths.split(",")):
            for candidates in (CANDIDATES, BESIDE_FULL):
                for row in measure(
                    name, length, options.steps, options.device, options.compile,
                    candidates=tuple(candidates),
                ):  # fmt: skip
                    row = {"model": name, "length": length, "device": options.device, **row}
                    result = add_row("step.json", row, KEY, {"rows_in_a_batch": ROWS})
    print(json.dumps(result))


def measure(
    name: str,
    length: int,
    steps: int,
    device: str,
    compiled: bool = False,
    *,
    candidates: Sequence[str] = tuple(CANDIDATES),
    memory: bool = True,
) -> list[dict[str, Any]]:
    """Each candidate's time in ms, its ratio to each reference among them, and its peak memory."""
    peaks = {
        c: peak_memory(name, c, length, device, compiled) if memory else None for c in candidates
    }
    prepared = {c: prepare(name, c, length, device, compiled) for c in candidates}
    times: dict[str, list[float]] = {candidate: [] for candidate in candidates}
    clock = clock_of(device)
    for number in range(steps + WARM_UP):
        for candidate in list(candidates)[:: 1 if number % 2 else -1]:
            seconds = clock(partial(prepared[candidate], number + 1))
            if number >= WARM_UP:
                times[candidate].append(seconds)
    return [
        {
            "candidate": candidate,
            "compiled": compiled,
            "median_ms": 1e3 * statistics.median(times[candidate]),
            **_ratios(times[candidate], times),
            "peak_memory_bytes": peaks[candidate],
        }
        for candidate in candidates
    ]


def prepare(name: str, candidate: str, length: int, device: str, compiled: bool = False) -> Step:
    """A candidate's training step, by the library's own loop, on one batch of this length."""
    spec = make_spec({**(CANDIDATES | BESIDE_FULL)[candidate], "seed": 0})
    session = session_of(spec, build(name), device)
    if session.gates and SETTLED in candidate:
        session.gates.settled = True
    batch = make_batch(session, length)
    if compiled:
        session.model = torch.compile(session.model, dynamic=False)
    return lambda step: train_step(session, dict(batch), step) and None


def session_of(spec: RunSpec, model: PreTrainedModel, device: str) -> Session:
    """A session whose steps can be taken, on rows that are nobody's; it can't be evaluated."""
    adapted = adapt(model, spec)
    hooks = adapter_of(spec).hooks(model, spec)
    accelerator = make_accelerator(device, spec.precision)
    penalty = PENALTIES[spec.penalty](adapted.gates.layout) if adapted.gates else None
    optimizer = make_optimizer(model, spec, adapted)
    schedule = LambdaLR(optimizer, lambda step: 1.0)
    choose_attention(model, accelerator)
    model, optimizer = accelerator.prepare(model, optimizer)
    rows: Any = [{}] * (ROWS * 100)
    nothing = cast(Any, None)  # what a step does not look at
    return Session(
        spec, accelerator, Processes(accelerator), model, nothing, adapted, hooks,
        penalty and penalty.to(accelerator.device), optimizer, schedule, rows,
        validation=nothing, validation_order=nothing, validation_labels=nothing,
        evaluation_steps=nothing, splits=SimpleNamespace(is_language=False), label_scale=None,
    )  # fmt: skip


def make_batch(session: Session, length: int) -> dict[str, torch.Tensor]:
    """A batch for a session's model, on its device, as the collator makes it."""
    batch = {k: v.to(session.accelerator.device) for k, v in _batch(length).items()}
    if is_decoder_type(session.model.config.model_type):
        batch["attention_mask"] = batch["attention_mask"][:, 0, 0]
    return batch


def peak_memory(name: str, candidate: str, length: int, device: str, compiled: bool = False) -> int:
    """Peak memory of a few steps: what they add on a GPU, or all of a process of their own."""
    if device.startswith("cuda"):
        act = partial(_few_steps, name, candidate, length, device, compiled)
        return _peak_gpu_bytes(act, device)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak_process_bytes, (name, candidate, length, device, compiled))


def _few_steps(*prepared: Any) -> None:
    step = prepare(*prepared)
    for number in range(3):
        step(number + 1)


def _peak_gpu_bytes(act: Callable[[], None], device: str) -> int:
    gc.collect()
    torch.cuda.init()
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    act()
    return torch.cuda.max_memory_allocated(device) - before


def _peak_process_bytes(*prepared: Any) -> int:
    _few_steps(*prepared)
    return _peak_resident_bytes()


def _peak_resident_bytes() -> int:
    """Of this process alone: what ``getrusage`` tells outlives exec, so it is the parent's too."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:  # no Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def _batch(length: int) -> dict[str, torch.Tensor]:
    """Rows of half to full length, padded, with a mask as the collator makes it."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(5, _SMALLEST_VOCABULARY, (ROWS, length), generator=generator)
    lengths = torch.linspace(length // 2, length, ROWS).long()
    mask = (torch.arange(length) < lengths[:, None]).long()
    labels = torch.arange(ROWS) % 2
    ids = ids * mask + (1 - mask)
    return {"input_ids": ids, "attention_mask": mask.bool()[:, None, None, :], "labels": labels}


def _ratios(own: Sequence[float], times: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Median, 10th and 90th percentile of the ratios of steps of one round, by reference."""
    return {
        f"ratio{suffix}{part}": value
        for reference, suffix in REFERENCES.items()
        if reference in times
        for part, value in zip(
            ("", "_p10", "_p90"), spread(ratios(own, times[reference])).values(), strict=True
        )
    }


def build(name: str) -> PreTrainedModel:
    """MiniLM with its weights, another with random ones."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    if name == "minilm":
        return AutoModelForSequenceClassification.from_pretrained(find_model(name).location)
    return random_model(name)


if __name__ == "__main__":
    main()
