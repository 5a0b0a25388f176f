"""The paper's Figure 3: time over sparsity, of one matrix product and of passes over a data set.

    python -m benchmarks.figure3 [--model roberta-base|minilm] [--rows 32] [--repeats 10]

(a) one product of 4096 x 768 by 768 x 3072 against a smaller one with indexed inputs and outputs;
(b) passes over rows of lengths as sentences have, in padded batches, by RoBERTa-base with random
weights and random gates of unequal widths. Dense and smaller take turns in one process. Each point
is written as soon as it is measured: benchmarks/results/figure3.json; the last line printed is that
JSON.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.record import environment, write_result
from benchmarks.speed_curves import SPARSITIES, pass_points, product_points
from finegates.measuring.candidates import DTYPES, attach_random_gates, random_inputs, random_model

BATCH_SIZE = 16
SHORTEST, TYPICAL, LONGEST = 5, 20, 64
"""Tokens of a sentence."""
_SPREAD = 0.5
FILE = "figure3.json"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and writes."""
    options = parsed(arguments)
    sparsities = [float(word) for word in options.sparsities.split(",")]
    common: dict[str, Any] = {"repeats": options.repeats, "device": options.device}
    result = {**environment(), **vars(options), "product": [], "passes": []}
    dtype = DTYPES[options.dtype]
    for points in product_points(sparsities, **common, dtype=dtype):
        add(result, "product", {name: asdict(point) for name, point in points.items()})
    model = random_model(options.model).eval()
    attach_random_gates(model)
    batches = sentence_batches(model, options.rows)
    result["batches"] = [list(batch["input_ids"].shape) for batch in batches]
    for point in pass_points(model, batches, sparsities, **common, dtype=options.dtype):
        add(result, "passes", asdict(point))
    print(json.dumps(result))


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    gpu = torch.cuda.is_available()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="roberta-base")
    parser.add_argument("--rows", type=int, default=32, help="rows of the data set")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--sparsities", default=",".join(map(str, SPARSITIES)))
    parser.add_argument("--device", default="cuda" if gpu else "cpu")
    parser.add_argument("--dtype", default="bfloat16" if gpu else "float32")
    return parser.parse_args(arguments)


def add(result: dict[str, Any], part: str, row: dict[str, Any]) -> None:
    """Tells and writes one more point."""
    print(part, row, file=sys.stderr, flush=True)
    result[part].append(row)
    write_result(FILE, result)


def sentence_batches(model: Any, rows: int) -> list[dict[str, Tensor]]:
    """Random tokens in batches that are padded to their longest row."""
    rng = np.random.default_rng(0)
    drawn = rng.lognormal(np.log(TYPICAL), _SPREAD, rows).round()
    lengths = torch.from_numpy(drawn.clip(SHORTEST, LONGEST)).long()
    padding = model.config.pad_token_id or 0
    batches = []
    for part in lengths.split(BATCH_SIZE):
        batch = random_inputs(model, len(part), int(part.max()))
        mask = (torch.arange(int(part.max())) < part[:, None]).long()
        ids = batch["input_ids"].where(mask.bool(), padding)
        batches.append({"input_ids": ids, "attention_mask": mask})
    return batches


if __name__ == "__main__":
    main()
