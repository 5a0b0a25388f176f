"""A shrunk RoBERTa-base against dense: how much of the ceiling is reached.

    python -m benchmarks.shrink [--device cpu|cuda] [--dtype float32] [--repeats 10]

Random weights and random gates with unequal widths in layers and heads; at no removal, a fifth, two
and three fifths of the gated weights; as a large batch and as one short row. Writes
benchmarks/results/shrink-<device>.json; the last line printed is that JSON.
"""

import argparse
import json
import sys

import torch

from benchmarks.record import environment, write_result
from finegates.bench import attach_random_gates, bench, random_model

REMOVED = (0.0, 0.2, 0.4, 0.6)
SHAPES = {(32, 128): 1, (1, 32): 10}
"""Rows and tokens -> how many times the repeats: a short pass is quick and noisy."""


def main() -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    gpu = torch.cuda.is_available()
    parser.add_argument("--model", default="roberta-base")
    parser.add_argument("--device", default="cuda" if gpu else "cpu")
    parser.add_argument("--dtype", default="bfloat16" if gpu else "float32")
    parser.add_argument("--repeats", type=int, default=10)
    options = parser.parse_args()
    model = random_model(options.model).eval()
    attach_random_gates(model)
    rows = []
    for (batch_size, length), factor in SHAPES.items():
        for remove in REMOVED:
            row = bench(
                model,
                remove=remove,
                batch_size=batch_size,
                length=length,
                dtype=options.dtype,
                device=options.device,
                repeats=options.repeats * factor,
            )
            print(row, file=sys.stderr, flush=True)
            rows.append(row)
            result = {**environment(), "model": options.model, "rows": rows}
            write_result(f"shrink-{options.device.partition(':')[0]}.json", result)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
