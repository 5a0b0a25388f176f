"""The paper's Figure 3 (b): passes over a data set, dense against smaller ones."""

from dataclasses import asdict
from typing import Any

from benchmarks.figure3 import sentence_batches
from benchmarks.gpu.options import Options
from benchmarks.gpu.report import Report
from benchmarks.gpu.toys import toy_folder
from benchmarks.speed_curves import SPARSITIES, pass_points
from finegates.measuring.candidates import attach_random_gates, random_model

PART = "figure 3b"
MODEL, ROWS, REPEATS = "roberta-base", 32, 10


def measure(report: Report, options: Options) -> str:
    """Time factors over sparsity."""
    small = options.small
    model: Any = random_model(toy_folder() if small else MODEL).eval()
    attach_random_gates(model)
    points = pass_points(
        model,
        sentence_batches(model, ROWS),
        SPARSITIES[::4] if small else SPARSITIES,
        repeats=2 if small else REPEATS,
        device=options.device,
        dtype="bfloat16" if options.on_gpu else "float32",
    )
    for point in points:
        report.add(PART, asdict(point))
    rows = report.part(PART)["rows"]
    factors = ", ".join(f"{row['sparsity']:g}: {row['median']:.2f}" for row in rows)
    return f"time over sparsity, dense is 1: {factors}"
