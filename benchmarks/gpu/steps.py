"""A training step of ours against one of LoRA by peft, and where the time of each goes."""

from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks import step
from benchmarks.gpu.options import Options
from benchmarks.gpu.report import Report, judged, verdict
from benchmarks.gpu.toys import toy_folder

PART, COMPILED_PART = "steps", "compiled steps"
MODEL, LENGTH, STEPS = "roberta-base", 128, 30
GOAL = 1.0
"""At most so many times the time of LoRA on the same matrices."""
OURS = ("finegates", "finegates, settled", "finegates+lora")
_SMALL_LENGTH, _SMALL_STEPS = 16, 2
_PROFILED = (step.SAME_MATRICES, "finegates", "finegates+lora")
_NAMES_SHOWN = 16


def measure(report: Report, options: Options) -> str:
    """Times, memory and profiles, as steps run."""
    _measure(PART, report, options, tuple(step.CANDIDATES), compiled=False)
    for candidate in _PROFILED:
        act = step.prepare(_model(options), candidate, _length(options), options.device)
        report.update(PART, **{f"profile of {candidate}": profiled(act, options)})
    return _said(report.part(PART)["rows"])


def measure_compiled(report: Report, options: Options) -> str:
    """The same through ``torch.compile``, which takes a minute for some of them."""
    for ours in OURS[:1] if options.small else OURS[::2]:
        _measure(COMPILED_PART, report, options, (step.SAME_MATRICES, ours), compiled=True)
    return _said(report.part(COMPILED_PART)["rows"])


def _measure(
    part: str, report: Report, options: Options, candidates: tuple[str, ...], *, compiled: bool
) -> None:
    rows = step.measure(
        _model(options), _length(options), _SMALL_STEPS if options.small else STEPS,
        options.device, compiled, candidates=candidates, memory=not (compiled or options.small),
    )  # fmt: skip
    for row in rows:
        ours = row["candidate"] in OURS and not options.small
        goal = judged(row["ratio_same_matrices"], GOAL, at_most=True) if ours else {}
        about = {"model": "toy" if options.small else MODEL, "length": _length(options)}
        report.add(part, {**about, **row, **goal})


def profiled(act: step.Step, options: Options) -> dict[str, Any]:
    """Where three steps spend their time: on the device, by kernel, and waiting for the host."""
    for number in range(3):
        act(number + 1)
    kinds = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if options.on_gpu else [])]
    with profile(activities=kinds) as profiler:
        seconds = step.clock_of(options.device)(lambda: [act(n) for n in (4, 5, 6)])
    events = profiler.key_averages()
    rows = [(e.key, _own_us(e, options), e.count) for e in events if _own_us(e, options) > 0]
    rows.sort(key=lambda row: -row[1])
    return {
        "step_ms": 1e3 * seconds / 3,
        "device_ms": sum(us for _, us, _ in rows) / 3e3,
        "kernels": round(sum(count for *_, count in rows) / 3),
        "most": [
            {"name": name[:120], "ms": us / 3e3, "times": count / 3}
            for name, us, count in rows[:_NAMES_SHOWN]
        ],
    }


def _own_us(event: Any, options: Options) -> float:
    """On a GPU of kernels alone: what launches them is listed with their time, too."""
    if not options.on_gpu:
        return event.self_cpu_time_total
    is_kernel = event.device_type == torch.autograd.DeviceType.CUDA
    return event.self_device_time_total if is_kernel else 0.0


def _model(options: Options) -> str:
    return toy_folder() if options.small else MODEL


def _length(options: Options) -> int:
    return _SMALL_LENGTH if options.small else LENGTH


def _said(rows: list[dict[str, Any]]) -> str:
    ratios = [
        f"{row['candidate']} {row['ratio_same_matrices']:.2f}"
        for row in rows
        if row["candidate"] in OURS
    ]
    return f"{verdict(rows)}; of LoRA's time on the same matrices: {', '.join(ratios)}"
