"""Score and speed of a model that is exported: what the run knows already, and what it lacks."""

from dataclasses import dataclass, field
from typing import Any

from transformers import PreTrainedModel

from finegates.errors import DataError
from finegates.files.progress import Progress, part, silent
from finegates.gates.cuts import AS_TRAINED, Cut
from finegates.measuring.bench import bench
from finegates.measuring.evaluation import dense_and_cut
from finegates.nn.pretrained import longest_input
from finegates.runs.folder import Run
from finegates.runs.measurements import at_cut, keep_timing
from finegates.runs.provenance import hardware_of
from finegates.shrinking.cost import REFERENCE_LENGTH

_ROWS = 8
"""Rows of a timed pass."""
_TIMED = 0.4
"""Of the time that measuring takes, about; the rest is scoring two models, which comes after."""


@dataclass(frozen=True)
class Measured:
    """What the card says next to counts.

    Attributes:
        dense_score: On the validation rows, every gate open; None if it was not measured.
        pruned_score: Of the smaller model.
        metrics: All that the smaller model was scored by.
        timing: As `finegates.measuring.bench.bench` gives it; None if it was not measured.
        generation: Of a language model, its times of reading and writing; None if there are none.
        why_not: Why something was not measured; empty if all was.
    """

    dense_score: float | None = None
    pruned_score: float | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    timing: dict[str, Any] | None = None
    generation: dict[str, Any] | None = None
    why_not: str = ""


NOT_ASKED_FOR = "it was not asked for"


def known_of(run: Run, cut: Cut | None, device: str) -> Measured:
    """What the run's own records say of a cut; nothing is measured."""
    known = at_cut(run, cut)
    timing, generation = (_newest(t, device) for t in (known.timings, known.generations))
    if known.dense is None or known.point is None:
        return Measured(timing=timing, generation=generation, why_not=NOT_ASKED_FOR)
    metrics = known.point.get("metrics", {})
    return Measured(known.dense["score"], known.point["score"], metrics, timing, generation)


def measure(
    run: Run,
    model: PreTrainedModel,
    cut: Cut | None,
    device: str,
    progress: Progress = silent,
) -> Measured:
    """What the card says; what the run has no record of is measured, and kept with the run.

    What can't be scored is left out with the reason.

    Args:
        run: A finished run.
        model: Its model, gates as training left them; not changed.
        cut: Where they are cut off; None for as training left them.
        device: Where to.
        progress: Is told how far it is.
    """
    known = at_cut(run, cut)
    timing, generation = (_newest(t, device) for t in (known.timings, known.generations))
    if timing is None:
        length = min(REFERENCE_LENGTH, longest_input(model.config))
        timing = bench(
            model, cut, batch_size=_ROWS, length=length, device=device,
            progress=part(progress, 0.0, _TIMED),
        )  # fmt: skip
        timing |= hardware_of(device)
        keep_timing(run, timing)
    try:
        scoring = part(progress, _TIMED, 1.0)
        dense, pruned = dense_and_cut(run, cut or AS_TRAINED, device, scoring, needs="score")
    except DataError as error:
        return Measured(timing=timing, generation=generation, why_not=str(error))
    metrics = pruned.get("metrics", {})
    return Measured(dense["score"], pruned["score"], metrics, timing, generation)


def _newest(timings: list[dict[str, Any]], device: str) -> dict[str, Any] | None:
    """Of times on this kind of device."""
    kind = device.partition(":")[0]
    return next((t for t in reversed(timings) if str(t["device"]).startswith(kind)), None)
