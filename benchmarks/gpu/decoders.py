"""Decoders: how much of their ceilings prefill and decoding realise, and a training step."""

from typing import Any

from benchmarks import step
from benchmarks.decoders import GOALS
from benchmarks.gpu.options import Options
from benchmarks.gpu.report import Report, judged, verdict
from benchmarks.gpu.toys import toy_decoder_folder
from finegates.gates.cuts import Cut
from finegates.gates.units import AUTO, PLAIN
from finegates.measuring.candidates import attach_random_gates, random_model
from finegates.measuring.generation import PHASES, Writing, generation_bench

PART, STEPS_PART = "decoders", "decoder steps"
MODELS = ("HuggingFaceTB/SmolLM2-135M", "meta-llama/Llama-3.2-1B")
UNITS = (AUTO, PLAIN)
REMOVED = (0.2, 0.4)
WRITING = (Writing(1, 512, 32), Writing(16, 512, 32))
REPEATS, STEPS, LENGTH = 10, 20, 128
STEP_GOAL = 1.0
"""At most so many times the time of LoRA on the same matrices."""
_OURS = ("finegates", "finegates+lora")
_SMALL_WRITING = (Writing(2, 16, 4),)
_SMALL_LENGTH, _SMALL_STEPS = 16, 2


def measure(report: Report, options: Options) -> str:
    """Dense and shrunk, side by side, of every model, unit, budget and shape."""
    small = options.small
    for name in (toy_decoder_folder(),) if small else MODELS:
        for units in UNITS:
            model = random_model(name, language_model=True).eval()
            attach_random_gates(model, units=(units,))
            for remove in REMOVED[1:] if small else REMOVED:
                for writing in _SMALL_WRITING if small else WRITING:
                    row = generation_bench(
                        model, Cut(remove=remove), writing, device=options.device,
                        dtype="bfloat16" if options.on_gpu else "float32",
                        repeats=2 if small else REPEATS,
                    )  # fmt: skip
                    about = {"model": "toy" if small else name, "units": units}
                    report.add(PART, {**about, **row, **_goals(row, writing, options)})
    return _said(report.part(PART)["rows"])


def measure_steps(report: Report, options: Options) -> str:
    """A classifier's training step against LoRA's by peft on the same matrices."""
    name = toy_decoder_folder() if options.small else MODELS[0]
    rows = step.measure(
        name, _SMALL_LENGTH if options.small else LENGTH,
        _SMALL_STEPS if options.small else STEPS, options.device,
        candidates=(step.SAME_MATRICES, *_OURS), memory=not options.small,
    )  # fmt: skip
    for row in rows:
        judges = row["candidate"] in _OURS and not options.small
        goal = judged(row["ratio_same_matrices"], STEP_GOAL, at_most=True) if judges else {}
        report.add(STEPS_PART, {"model": "toy" if options.small else name, **row, **goal})
    ratios = [f"{r['candidate']} {r['ratio_same_matrices']:.2f}" for r in rows]
    return f"{verdict(report.part(STEPS_PART)['rows'])}; times LoRA's step: {', '.join(ratios)}"


def _goals(row: dict[str, Any], writing: Writing, options: Options) -> dict[str, Any]:
    """Of the phase that is furthest from its goal; one row alone is bound by the host."""
    if options.small or writing.batch_size == 1:
        return {}
    phase = min(PHASES, key=lambda one: row[f"{one}_realised_over_ideal"] / GOALS[one])
    return judged(row[f"{phase}_realised_over_ideal"], GOALS[phase])


def _said(rows: list[dict[str, Any]]) -> str:
    words = [
        f"{row['model'].rpartition('/')[2]} {row['units']} {row['batch_size']} rows "
        f"{row['prefill_speedup']:.2f} ({row['prefill_realised_over_ideal']:.2f}), "
        f"{row['decode_speedup']:.2f} ({row['decode_realised_over_ideal']:.2f})"
        for row in rows
        if row["remove"] == REMOVED[1]
    ]
    return (
        f"{verdict(rows)}; at 40%, prefill and decoding times as fast (of the ceiling): "
        f"{'; '.join(words)}"
    )
