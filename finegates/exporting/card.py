"""The README of an exported model: task, score, what was removed where, how to load it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedModel

from finegates.errors import DataError
from finegates.gates.cuts import AS_TRAINED, Cut
from finegates.measuring.bench import bench
from finegates.measuring.evaluation import dense_and_cut
from finegates.nn.pretrained import longest_input
from finegates.runs.folder import Run
from finegates.runs.provenance import hardware_of
from finegates.shrinking.cost import REFERENCE_LENGTH
from finegates.shrinking.models import Shrunk, plans_of
from finegates.shrinking.plan import AttentionPlan, FeedForwardPlan, LayerPlan

_ROWS = 8
"""Rows of a timed pass."""


@dataclass(frozen=True)
class Measured:
    """What the card says next to counts.

    Attributes:
        dense_score: On the validation rows, every gate open; None if it was not measured.
        pruned_score: Of the smaller model.
        timing: As `finegates.measuring.bench.bench` gives it; None if it was not measured.
        why_not: Why something was not measured; empty if all was.
    """

    dense_score: float | None = None
    pruned_score: float | None = None
    timing: dict[str, Any] | None = None
    why_not: str = ""


NOT_MEASURED = Measured(why_not="it was not asked for")


def measure_for_card(run: Run, model: PreTrainedModel, cut: Cut | None, device: str) -> Measured:
    """Scores and times what a card says; what can't be scored is left out with the reason.

    Args:
        run: A finished run.
        model: Its model, gates as training left them; not changed.
        cut: Where they are cut off; None for as training left them.
        device: Where to.
    """
    length = min(REFERENCE_LENGTH, longest_input(model.config))
    timing = bench(model, cut, batch_size=_ROWS, length=length, device=device, repeats=5)
    timing |= hardware_of(device)
    try:
        dense, pruned = dense_and_cut(run, cut or AS_TRAINED, device)
    except DataError as error:
        return Measured(timing=timing, why_not=str(error))
    return Measured(dense["score"], pruned["score"], timing)


def model_card(
    run: Run, model: Shrunk, facts: Mapping[str, Any], cut: Cut | None, measured: Measured
) -> str:
    """Markdown.

    Args:
        run: Where the model is from.
        model: The shrunk model.
        facts: ``removed_weights_fraction``, ``closed_gates``, ``dense_params``, ``shrunk_params``
            and ``mac_ratio``.
        cut: Where its gates were cut off; None for as training left them.
        measured: Score and speed.
    """
    spec = run.spec
    budget = cut.words if cut else "as training left the gates"
    removed = f"{100 * facts['removed_weights_fraction']:.1f}%"
    layers = "\n".join(_row(number, plan) for number, plan in enumerate(plans_of(model.config)))
    params = f"{facts['dense_params']:,} -> {facts['shrunk_params']:,}"
    rows = {
        **_scores(run, measured),
        "weights of gated matrices removed": removed,
        "gates closed": f"{facts['closed_gates']:,}",
        "parameters, dense -> this model": params,
        "products of the layers, dense over needed, 128 tokens": f"{facts['mac_ratio']:.2f}",
        **_speed(measured),
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items())
    return f"""---
library_name: transformers
tags: [finegates, pruned, text-classification]
---

# {spec.model}, {spec.task}, {removed} of the weights removed

A `{spec.model}` that was fine-tuned on `{spec.task}` with `{spec.method}` (seed {spec.seed}), its
closed gates removed: {budget}.

| | |
|---|---|
{table}
{_what_is_missing(run, measured)}
## Loading

```python
import finegates.auto
from transformers import AutoModelForSequenceClassification, AutoTokenizer

model = AutoModelForSequenceClassification.from_pretrained(".")
tokenizer = AutoTokenizer.from_pretrained(".")
```

## What is left of each layer

Heads are given as number x width; a full layer has {model.config.num_attention_heads} heads.

| layer | heads | neurons |
|---|---|---|
{layers}

## How it was trained

```
{run.record["command"]}
```
"""


def _scores(run: Run, measured: Measured) -> dict[str, str]:
    if measured.dense_score is None or measured.pruned_score is None:
        return {}
    name = f"{run.status().metric} x 100 on validation, every gate open -> this model"
    return {name: f"{100 * measured.dense_score:.1f} -> {100 * measured.pruned_score:.1f}"}


def _speed(measured: Measured) -> dict[str, str]:
    timing = measured.timing
    if timing is None:
        return {}
    shape = f"{timing['batch_size']} x {timing['seq_len']} tokens, {timing['dtype']}"
    name = f"milliseconds for {shape}, dense -> this model"
    return {
        name: f"{1e3 * timing['dense_s']:.1f} -> {1e3 * timing['shrunk_s']:.1f}",
        "speed-up, median of neighbouring passes": f"{timing['speedup']:.2f}",
        "measured on": f"{timing['hardware']}, {timing['threads']} threads",
    }


def _what_is_missing(run: Run, measured: Measured) -> str:
    if not measured.why_not:
        return ""
    what = "Score and speed were" if measured.timing is None else "The score was"
    return f"""
{what} not measured: {measured.why_not.rstrip(".")}. To measure:

```
python -m finegates evaluate {run.id} --remove F
python -m finegates bench {run.id} --remove F
```
"""


def _row(number: int, plan: LayerPlan) -> str:
    heads, neurons = plan.attention, plan.feed_forward
    if isinstance(heads, AttentionPlan):
        heads = ", ".join(f"{n} x {width}" for n, width in heads.groups)
    if isinstance(neurons, FeedForwardPlan):
        neurons = f"{neurons.inner.rows:,}"
    return f"| {number} | {heads} | {neurons} |"
