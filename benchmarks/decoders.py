"""How a smaller decoder writes, next to dense: prefill, decoding, and what is cached of a token.

    python -m benchmarks.decoders [--model HuggingFaceTB/SmolLM2-135M] [--units auto,plain]
        [--remove 0.2,0.4] [--shapes 1x512,8x64] [--new-tokens 32] [--repeats 5]

SmolLM2's shape with random weights and gates of unequal widths, in float32 on the CPU: times
depend on neither. Two ceilings: products for prefill, bytes for decoding. Each row is written as
soon as it is measured, into benchmarks/results/decoders.json, and says whether other programs ran.
The last line printed is that JSON.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from benchmarks.rows import add_row
from finegates.gates.cuts import Cut
from finegates.gates.units import AUTO, PLAIN
from finegates.measuring.candidates import attach_random_gates, random_model
from finegates.measuring.generation import DECODE, PREFILL, Writing, generation_bench
from finegates.settings import words_of

RESULT = "decoders.json"
KEY = ("model", "units", "remove", "batch_size", "prompt")
GOALS = {PREFILL: 0.90, DECODE: 0.85}
"""Realised over ideal where 40% are removed."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="HuggingFaceTB/SmolLM2-135M")
    parser.add_argument("--units", default=f"{AUTO},{PLAIN}", help="one for each row")
    parser.add_argument("--remove", default="0.2,0.4", help="fractions")
    parser.add_argument("--shapes", default="1x512,8x64", help="rows x tokens of a prompt")
    parser.add_argument("--new-tokens", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args(arguments)
    result: dict[str, Any] = {}
    for units in words_of(options.units):
        model = random_model(options.model, language_model=True).eval()
        attach_random_gates(model, units=(units,), uniform=units == PLAIN)
        for remove in map(float, words_of(options.remove)):
            for shape in words_of(options.shapes):
                writing = Writing(*map(int, shape.split("x")), options.new_tokens)
                row = generation_bench(model, Cut(remove=remove), writing, repeats=options.repeats)
                row |= {"model": options.model, "units": units, **_goals(row)}
                print(row, file=sys.stderr, flush=True)
                result = add_row(RESULT, row, KEY, {})
    print(json.dumps(result))


def _goals(row: dict[str, Any]) -> dict[str, Any]:
    """Which goals the row meets."""
    if row["remove"] != 0.4:
        return {}
    return {
        f"{phase}_goal_met": row[f"{phase}_realised_over_ideal"] >= goal
        for phase, goal in GOALS.items()
    }


if __name__ == "__main__":
    main()
