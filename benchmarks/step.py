"""One training step of ours against one of LoRA by peft: time side by side, and peak memory.

    python -m benchmarks.step [--device cpu|cuda] [--steps 20] [--models minilm] [--lengths 32]

The steps of all candidates alternate in one process, in an order that turns round each time; every
ratio is of two steps that followed each other. Peak memory is of a fresh process for each. RoBERTa
is built from its config with random weights: time does not depend on them. Rows are written as soon
as a model and a length are measured, over those of an earlier call on the same machine:
benchmarks/results/step.json; the last line printed is that JSON.
"""

import argparse
import json
import multiprocessing
import resource
import statistics
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
import transformers
from torch.optim.lr_scheduler import LambdaLR
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from benchmarks.rows import add_row
from finegates.adapt import adapt
from finegates.candidates import random_model
from finegates.distributed import Processes
from finegates.models import find_model
from finegates.optimizer import make_optimizer
from finegates.penalty import PENALTIES
from finegates.session import Session, make_accelerator
from finegates.spec import make_spec
from finegates.timing import clock_of, ratios, spread
from finegates.train import train_step

REFERENCE = "lora"
CANDIDATES = {
    REFERENCE: {"method": "lora"},
    "finegates": {"method": "finegates"},
    "finegates, settled": {"method": "finegates"},
    "finegates+lora": {"method": "finegates+lora"},
}
KEY = ("model", "length", "device", "candidate")
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
    options = parser.parse_args(arguments)
    for name in options.models.split(","):
        for length in map(int, options.lengths.split(",")):
            for row in measure(name, length, options.steps, options.device):
                row = {"model": name, "length": length, "device": options.device, **row}
                result = add_row("step.json", row, KEY, {"rows_in_a_batch": ROWS})
    print(json.dumps(result))


def measure(name: str, length: int, steps: int, device: str) -> list[dict[str, Any]]:
    """Each candidate's time in ms, its ratio to the reference's, and its peak memory."""
    prepared = {candidate: prepare(name, candidate, length, device) for candidate in CANDIDATES}
    times: dict[str, list[float]] = {candidate: [] for candidate in CANDIDATES}
    clock = clock_of(device)
    for number in range(steps + WARM_UP):
        for candidate in list(CANDIDATES)[:: 1 if number % 2 else -1]:
            seconds = clock(partial(prepared[candidate], number + 1))
            if number >= WARM_UP:
                times[candidate].append(seconds)
    return [
        {
            "candidate": candidate,
            "median_ms": 1e3 * statistics.median(times[candidate]),
            **_ratios(times[candidate], times[REFERENCE]),
            "peak_memory_bytes": peak_memory(name, candidate, length, device),
        }
        for candidate in CANDIDATES
    ]


def prepare(name: str, candidate: str, length: int, device: str) -> Step:
    """A candidate's training step, by the library's own loop, on one batch of this length."""
    spec = make_spec({**CANDIDATES[candidate], "seed": 0})
    model = build(name)
    adapted = adapt(model, spec)
    accelerator = make_accelerator(device, spec.precision)
    penalty = PENALTIES[spec.penalty](adapted.gates.layout) if adapted.gates else None
    optimizer = make_optimizer(model, adapted, spec)
    schedule = LambdaLR(optimizer, lambda step: 1.0)
    model, optimizer = accelerator.prepare(model, optimizer)
    rows: Any = [{}] * (ROWS * 100)
    nothing = cast(Any, None)  # what a step does not look at
    session = Session(
        spec, accelerator, Processes(accelerator), model, nothing, adapted,
        penalty and penalty.to(accelerator.device), optimizer, schedule, rows, nothing, nothing,
    )  # fmt: skip
    if adapted.gates and SETTLED in candidate:
        adapted.gates.settled = True
    batch = {k: v.to(accelerator.device) for k, v in _batch(length).items()}
    return lambda step: train_step(session, dict(batch), step) and None


def peak_memory(name: str, candidate: str, length: int, device: str) -> int:
    """Peak memory of a few steps in a process of its own: of the GPU, or of the process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak_memory_here, (name, candidate, length, device))


def _peak_memory_here(name: str, candidate: str, length: int, device: str) -> int:
    step = prepare(name, candidate, length, device)
    for number in range(3):
        step(number + 1)
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated()
    return _peak_resident_bytes()


def _peak_resident_bytes() -> int:
    """Of this process alone: what ``getrusage`` tells outlives exec, so it is the parent's too."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:  # no Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def _batch(length: int) -> dict[str, torch.Tensor]:
    """Rows of half to full length, padded."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(5, _SMALLEST_VOCABULARY, (ROWS, length), generator=generator)
    lengths = torch.linspace(length // 2, length, ROWS).long()
    mask = (torch.arange(length) < lengths[:, None]).long()
    labels = torch.arange(ROWS) % 2
    return {"input_ids": ids * mask + (1 - mask), "attention_mask": mask, "labels": labels}


def _ratios(times: Sequence[float], reference: Sequence[float]) -> dict[str, float]:
    """Median, 10th and 90th percentile of the ratios of neighbouring steps."""
    median, low, high = spread(ratios(times, reference)).values()
    return {"ratio": median, "ratio_p10": low, "ratio_p90": high}


def build(name: str) -> PreTrainedModel:
    """MiniLM with its weights, another with random ones."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    if name == "minilm":
        return AutoModelForSequenceClassification.from_pretrained(find_model(name).location)
    return random_model(name)


if __name__ == "__main__":
    main()
