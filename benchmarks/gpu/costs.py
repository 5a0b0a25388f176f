"""What products and copies by index cost on a GPU, and which layout of a smaller model pays there.

The entry ``cuda`` of `finegates.shrinking.hardware.HARDWARE` is read off these rows.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch.nn.functional import linear, scaled_dot_product_attention

from benchmarks.gpu.options import Options
from benchmarks.gpu.report import Report
from benchmarks.gpu.toys import toy_folder
from finegates.gates.cuts import Cut
from finegates.measuring.bench import compare
from finegates.measuring.candidates import attach_random_gates, candidates, random_model
from finegates.measuring.timing import clock_of, cuda_graph
from finegates.shrinking.hardware import HARDWARE, Hardware

PART = "costs"
TOKENS, HIDDEN, HEAD = (32, 4096, 16384), 768, 64
LAYOUTS = {
    "as shipped": HARDWARE["cuda"],
    "every copy": Hardware(100, 100, 20_000, 8, 8, 8),
    "some copies": Hardware(600, 600, 300_000, 8, 8, 8),
    "widths of 64": Hardware(10_000, 10_000, 600_000, 64, 64, 8),
}
SHAPES = ((32, 128), (128, 128))
REMOVED, REPEATS, IN_A_ROW = (0.4, 0.6), 20, 20


def measure(report: Report, options: Options) -> str:
    """Microseconds of single operations; then times of whole models, laid out in several ways."""
    device, dtype = options.device, torch.bfloat16
    for tokens in TOKENS[:1] if options.small else TOKENS:
        row = {name: _us(run, options) for name, run in operations(tokens, device, dtype).items()}
        report.add(PART, {"tokens": tokens, "hidden": HIDDEN, "us": row})
    model: Any = random_model(toy_folder() if options.small else "roberta-base").eval()
    attach_random_gates(model)
    forms = None
    for remove in REMOVED[:1] if options.small else REMOVED:
        for name, layout in LAYOUTS.items():
            forms = candidates(
                model, Cut(remove=remove), device, "bfloat16", dense=forms, tuned_for=layout
            )
            for shape in ((2, 8),) if options.small else SHAPES:
                times = compare(forms, *shape, 2 if options.small else REPEATS, masked=False)
                report.add(PART, {"layout": name, **times})
    return _said(report.part(PART)["rows"])


@torch.no_grad()
def operations(
    tokens: int, device: str, dtype: torch.dtype
) -> dict[str, Callable[[], torch.Tensor]]:
    """Products, copies by index and attention of so many tokens."""
    x = torch.randn(tokens, HIDDEN, device=device, dtype=dtype)
    half = torch.randn(tokens, HIDDEN // 2, device=device, dtype=dtype)
    columns = torch.randperm(HIDDEN, device=device)
    places = torch.randint(0, HIDDEN // 2, (HIDDEN,), device=device)
    found: dict[str, Callable[[], torch.Tensor]] = {}
    for rows in (288, 384, 576, 768, 1536, 1537, 1540, 2304, 3072):
        weights = torch.randn(rows, HIDDEN, device=device, dtype=dtype)
        found[f"product {HIDDEN}x{rows}"] = partial(linear, x, weights)
    for count in (384, 576):
        found[f"read {count} columns"] = partial(x.index_select, 1, columns[:count].sort().values)
    found |= {"put in place": partial(half.index_select, 1, places), "add": partial(x.add, x)}
    for width in (64, 32):
        shape = (max(tokens // 128, 1), HIDDEN // HEAD, min(tokens, 128), width)
        q = torch.randn(shape, device=device, dtype=dtype)
        found[f"attention {width} wide"] = partial(scaled_dot_product_attention, q, q, q)
    return found


def _us(run: Callable[[], Any], options: Options) -> float:
    """Microseconds of one, of many in a row, which on a GPU leave out the host."""

    def many() -> None:
        for _ in range(IN_A_ROW):
            run()

    timed = cuda_graph(many, options.device) if options.on_gpu else many
    clock = clock_of(options.device)
    clock(timed)
    return 1e6 * min(clock(timed) for _ in range(3)) / IN_A_ROW


def _said(rows: list[dict[str, Any]]) -> str:
    words = [
        f"{row['layout']} {row['remove']:g} of {row['batch_size']} rows {row['speedup']:.2f}"
        for row in rows
        if "layout" in row
    ]
    return f"times as fast as dense: {', '.join(words)}"
