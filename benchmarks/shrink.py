"""A shrunk RoBERTa-base against dense: how much of the ceiling is reached.

    python -m benchmarks.shrink [--device cpu|cuda] [--dtype float32] [--repeats 3] [--no-masked]
    python -m benchmarks.shrink --onnx [--remove 0.2,0.4] [--shapes 32x128,1x32]

Random weights and random gates with unequal widths in layers and heads, as a large batch and as one
short row. With --onnx onnxruntime runs both, too, in the same process; the masked model is not
timed then. On a GPU one short row is replayed as a CUDA graph. Each row is written as soon as it is
measured, over the same row of an earlier call on the same machine, so that rows can be measured in
several calls: benchmarks/results/shrink-<device>.json, with --onnx shrink-<device>-onnx.json. The
last line printed is that JSON.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

import torch

from benchmarks.rows import add_row
from finegates.gates.cuts import Cut
from finegates.measuring.bench import compare
from finegates.measuring.candidates import Candidates, attach_random_gates, candidates, random_model

SHORT_FACTOR = 10
"""A pass of one row is quick and noisy: it is repeated so many times as often."""
REMOVED, REMOVED_ONNX = "0,0.2,0.4,0.6", "0.2,0.4"
"""Writing a shrunk model as ONNX takes most of a minute, so fewer of them."""
KEY = ("remove", "batch_size", "seq_len", "dtype")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and writes."""
    options = parsed(arguments)
    model = random_model(options.model).eval()
    attach_random_gates(model)
    forms: Candidates | None = None
    for remove in map(float, options.remove.split(",")):
        forms = candidates(
            model, Cut(remove=remove), options.device, options.dtype, onnx=options.onnx, dense=forms
        )
        for shape in options.shapes.split(","):
            row = measure(forms, shape, options)
            print(row, file=sys.stderr, flush=True)
            result = add_row(file_name(options), row, KEY, {"model": options.model})
    print(json.dumps(result))


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    gpu = torch.cuda.is_available()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="roberta-base")
    parser.add_argument("--device", default="cuda" if gpu else "cpu")
    parser.add_argument("--dtype", default="bfloat16" if gpu else "float32")
    parser.add_argument("--repeats", type=int, default=10 if gpu else 3)
    parser.add_argument("--remove", help=f"fractions. Default: {REMOVED}; ONNX {REMOVED_ONNX}.")
    parser.add_argument("--shapes", default="32x128,1x32", help="rows x tokens")
    parser.add_argument("--onnx", action="store_true")
    parser.add_argument("--masked", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args(arguments)
    options.remove = options.remove or (REMOVED_ONNX if options.onnx else REMOVED)
    return options


def measure(forms: Candidates, shape: str, options: argparse.Namespace) -> dict[str, Any]:
    """One row: these candidates at ``"32x128"`` or another shape."""
    batch_size, length, repeats = passes_of(shape, options.repeats)
    return compare(
        forms,
        batch_size,
        length,
        repeats,
        masked=options.masked and not options.onnx,
        cuda_graphs=batch_size == 1 and options.device.startswith("cuda"),
    )


def passes_of(shape: str, repeats: int) -> tuple[int, int, int]:
    """Rows, tokens and how many passes, of ``"32x128"`` or another shape."""
    batch_size, length = map(int, shape.split("x"))
    return batch_size, length, repeats * (SHORT_FACTOR if batch_size == 1 else 1)


def file_name(options: argparse.Namespace) -> str:
    """Where the rows go."""
    return f"shrink-{options.device.partition(':')[0]}{'-onnx' if options.onnx else ''}.json"


if __name__ == "__main__":
    main()
