"""The README of an exported model: task, score, what was removed where, how to load it."""

from collections.abc import Mapping
from typing import Any

from finegates.runs import Run
from finegates.shrinking.models import Shrunk, plans_of
from finegates.shrinking.plan import AttentionPlan, FeedForwardPlan, LayerPlan


def model_card(run: Run, model: Shrunk, facts: Mapping[str, Any], remove: float | None) -> str:
    """Markdown.

    Args:
        run: Where the model is from.
        model: The shrunk model.
        facts: ``removed_weights_fraction``, ``closed_gates``, ``dense_params``, ``shrunk_params``
            and ``mac_ratio``.
        remove: The budget that was asked for; None for the gates as training left them.
    """
    spec, status = run.spec, run.status()
    budget = "as training left the gates" if remove is None else f"pruned to {100 * remove:g}%"
    score = "-" if status.score is None else f"{100 * status.score:.1f}"
    rows = "\n".join(_row(number, plan) for number, plan in enumerate(plans_of(model.config)))
    return f"""---
library_name: transformers
tags: [finegates, pruned, text-classification]
---

# {spec.model}, {spec.task}, {100 * facts["removed_weights_fraction"]:.1f}% of the weights removed

A `{spec.model}` that was fine-tuned on `{spec.task}` with `{spec.method}` (seed {spec.seed}), its
closed gates removed, {budget}.

| | |
|---|---|
| {status.metric} x 100 on validation at the end of training, {_removed(status)} | {score} |
| weights of gated matrices removed | {100 * facts["removed_weights_fraction"]:.1f}% |
| gates closed | {facts["closed_gates"]:,} |
| parameters, dense | {facts["dense_params"]:,} |
| parameters, this model | {facts["shrunk_params"]:,} |
| products of the layers, dense over needed, 128 tokens | {facts["mac_ratio"]:.2f} |

The score is that of the run's own gates. Score and speed of another budget F are measured by:

```
python -m finegates evaluate {run.id} --remove F
python -m finegates bench {run.id} --remove F
```

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
{rows}

## How it was trained

```
{run.record["command"]}
```
"""


def _removed(status: Any) -> str:
    fraction = status.removed_weights_fraction
    return "dense" if not fraction else f"{100 * fraction:.1f}% removed"


def _row(number: int, plan: LayerPlan) -> str:
    heads, neurons = plan.attention, plan.feed_forward
    if isinstance(heads, AttentionPlan):
        heads = ", ".join(f"{n} x {width}" for n, width in heads.groups)
    if isinstance(neurons, FeedForwardPlan):
        neurons = f"{neurons.inner.rows:,}"
    return f"| {number} | {heads} | {neurons} |"
