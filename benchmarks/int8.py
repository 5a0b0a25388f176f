"""Smaller and int8 next to dense and int8: what someone would pick instead, and both together.

    python -m benchmarks.int8 [--remove 0.4] [--shapes 1x32,32x128] [--repeats 3]

RoBERTa-base's shape with random weights and gates of unequal widths, as benchmarks/shrink.py makes
them, on the CPU: onnxruntime runs dense and shrunk in float32 and in dynamic int8, torch does the
same, all in turns. The goal is that smaller and int8 is 1.4 times as fast as dense and int8 where
40% of the gated weights are removed. Each row is written as soon as it is measured, into
benchmarks/results/int8.json, and says whether other programs ran. The last line printed is that
JSON. Writing the two models as ONNX takes two minutes.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.rows import add_row
from benchmarks.shrink import KEY, passes_of
from finegates.gates.cuts import Cut
from finegates.measuring.bench import compare
from finegates.measuring.candidates import Candidates, attach_random_gates, candidates, random_model
from finegates.runs.provenance import recorded_versions

RESULT = "int8.json"
GOAL = 1.4
_INSTRUCTIONS = ("avx512_vnni", "avx_vnni", "amx_int8")
"""For products in 8 bit, as Linux names them; without any of them int8 gains little."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="roberta-base")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--remove", default="0.4", help="fractions")
    parser.add_argument("--shapes", default="1x32,32x128", help="rows x tokens")
    options = parser.parse_args(arguments)
    model = random_model(options.model).eval()
    attach_random_gates(model)
    forms: Candidates | None = None
    for remove in map(float, options.remove.split(",")):
        forms = candidates(model, Cut(remove=remove), int8=True, dense=forms)
        for shape in options.shapes.split(","):
            row = measure(forms, shape, options.repeats)
            print(row, file=sys.stderr, flush=True)
            result = add_row(RESULT, row, KEY, about(options.model))
    print(json.dumps(result))


def measure(forms: Candidates, shape: str, repeats: int) -> dict[str, Any]:
    """One row: these candidates at ``"32x128"`` or another shape, and whether the goal is met."""
    row = compare(forms, *passes_of(shape, repeats), masked=False)
    return {**row, "goal": GOAL, "goal_met": row["int8_speedup"] >= GOAL}


def about(model: str) -> dict[str, Any]:
    """What else holds for all rows."""
    runtime = recorded_versions(("onnxruntime", "onnx"))
    names = {name: runtime.get(name) for name in ("onnxruntime", "onnx")}
    return {"model": model, **names, "int8_instructions": int8_instructions()}


def int8_instructions() -> list[str] | None:
    """Which of the processor's instructions compute products in 8 bit; None if it does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return None
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    return [name for name in _INSTRUCTIONS if name in flags]


if __name__ == "__main__":
    main()
