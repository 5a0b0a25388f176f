"""The smaller model against dense: how much of the ceiling a GPU realises."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch

from benchmarks.gpu.options import Options
from benchmarks.gpu.report import Report, judged, verdict
from benchmarks.gpu.toys import toy_folder
from finegates.gates.cuts import Cut
from finegates.measuring.bench import compare
from finegates.measuring.candidates import (
    Candidates,
    attach_random_gates,
    candidates,
    random_model,
)

PART, COMPILED_PART = "speed", "compiled"
MODELS, DTYPES = ("roberta-base", "roberta-large"), ("bfloat16", "float16")
REMOVED, BATCH, ROW = (0.0, 0.2, 0.4, 0.6), (32, 128), (1, 32)
GOALS = {BATCH: 0.90, ROW: 0.70}
"""Realised over ideal; of one row as a CUDA graph."""
AT_ZERO = 1.02
"""Where nothing is removed: at most this times dense's time."""
REPEATS = {BATCH: 20, ROW: 50}
BOTH_DTYPES_AT = 0.4
_SMALL = {"models": ("toy",), "dtypes": ("float32", "bfloat16"), "removed": (0.0, 0.4)}


def measure(report: Report, options: Options) -> str:
    """Dense, masked and shrunk, interleaved, in every precision, shape and way."""
    small = options.small
    for name in _SMALL["models"] if small else MODELS:
        model = _random(name)
        forms = None
        for remove in _SMALL["removed"] if small else REMOVED:
            forms = candidates(model, Cut(remove=remove), options.device, dense=forms)
            for dtype in _dtypes(remove, small):
                there = _in_dtype(forms, dtype)
                for shape, graphs in _ways(options):
                    row = compare(
                        there, *_shape(shape, small), 2 if small else REPEATS[shape],
                        cuda_graphs=graphs,
                    )  # fmt: skip
                    report.add(PART, {"model": name, **row, **_goal(row, shape, options)})
    return _said(report.part(PART)["rows"])


def measure_compiled(report: Report, options: Options) -> str:
    """The same for one model and budget through ``torch.compile``, which takes its time."""
    name = "toy" if options.small else MODELS[0]
    forms = candidates(_random(name), Cut(remove=0.4), options.device)
    there = _in_dtype(forms, "float32" if options.small else DTYPES[0])
    for shape, graphs in reversed(list(_ways(options))):
        if shape == ROW and options.on_gpu and not graphs:
            continue
        row = compare(
            there, *_shape(shape, options.small), 2 if options.small else REPEATS[shape],
            masked=False, cuda_graphs=graphs, compiled=True,
        )  # fmt: skip
        report.add(COMPILED_PART, {"model": name, **row, **_goal(row, shape, options)})
    return _said(report.part(COMPILED_PART)["rows"])


def _random(name: str) -> Any:
    model = random_model(toy_folder() if name == "toy" else name).eval()
    attach_random_gates(model)
    return model


def _in_dtype(forms: Candidates, dtype: str) -> Candidates:
    """The same candidates in another precision, next to them."""
    models: dict[str, Any] = copy.deepcopy(forms.models)
    there = {name: model.to(getattr(torch, dtype)) for name, model in models.items()}
    return replace(forms, models=there, onnx={}, torch_int8={})


def _dtypes(remove: float, small: bool) -> Sequence[str]:
    """Both at one budget: elsewhere they are as fast as each other."""
    if small:
        return _SMALL["dtypes"]
    return DTYPES if remove == BOTH_DTYPES_AT else DTYPES[:1]


def _ways(options: Options) -> Iterator[tuple[tuple[int, int], bool]]:
    """Shapes, and whether passes are replayed as CUDA graphs."""
    yield BATCH, False
    yield ROW, False
    if options.on_gpu:
        yield ROW, True


def _shape(shape: tuple[int, int], small: bool) -> tuple[int, int]:
    return (min(shape[0], 4), 16) if small else shape


def _goal(row: dict[str, Any], shape: tuple[int, int], options: Options) -> dict[str, Any]:
    """One row without a graph is bound by the host, and has no goal; nor has a toy."""
    if options.small or (shape == ROW and not row["cuda_graphs"]):
        return {}
    if row["remove"] == 0:
        return judged(1 / row["speedup"], AT_ZERO, at_most=True)
    return judged(row["realised_over_ideal"], GOALS[shape])


def _said(rows: list[dict[str, Any]]) -> str:
    at = [row for row in rows if row["remove"] == 0.4]
    ways = {
        f"{row['model']} {row['dtype']} {row['batch_size']}x{row['seq_len']}"
        f"{' graph' if row['cuda_graphs'] else ''}": row
        for row in at
    }
    words = [
        f"{way} {row['speedup']:.2f} ({row['realised_over_ideal']:.2f})"
        for way, row in ways.items()
    ]
    return f"{verdict(rows)}; at 40%, times as fast (of the ceiling): {', '.join(words)}"
