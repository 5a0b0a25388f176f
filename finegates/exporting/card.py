"""The README of an exported model: what it is, score, speed, what was removed, how to load it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from finegates import __version__
from finegates.data.glue import TASKS
from finegates.data.metric_kinds import scaled_name, scaled_text
from finegates.exporting.formats import FORMATS, Format
from finegates.exporting.layouts import Layout, layouts_text
from finegates.exporting.measured import Measured
from finegates.exporting.package import (
    CODE_FILE,
    FORMAT_FILES,
    FORMAT_TITLES,
    LICENCE,
    PLAIN_FOLDER,
    loading_lines,
    standalone_lines,
    stock_lines,
)
from finegates.exporting.standalone import needs_words
from finegates.gates.cuts import Cut
from finegates.models.architectures import architecture_of
from finegates.runs.folder import Run
from finegates.runs.label_errors import error_words
from finegates.runs.names import data_name
from finegates.runs.writing import writing_rows
from finegates.shrinking.models import Shrunk, dense_type, plans_of, stream_width
from finegates.shrinking.plan import (
    AttentionPlan,
    FeedForwardPlan,
    GroupedAttentionPlan,
    LayerPlan,
)

_NO_CACHE = """
It reads whole texts and keeps nothing of them: for scores, and not to write on quickly.
"""
_PAIR = 'classify({"text": "First text.", "text_pair": "Second text."}, truncation=True)'
_SINGLE = 'classify("A text of your own.", truncation=True)'
_WRITES = 'write("A text that goes on", max_new_tokens=20)'


def model_card(
    run: Run,
    model: Shrunk,
    facts: Mapping[str, Any],
    cut: Cut | None,
    measured: Measured,
    *,
    name: str,
    inputs: Sequence[str],
    formats: Collection[str] = (),
    standalone: bool = False,
    layouts: Mapping[str, Layout] | None = None,
) -> str:
    """Markdown.

    Args:
        run: Where the model is from.
        model: The shrunk model.
        facts: ``removed_weights_fraction``, ``closed_gates``, ``dense_params``, ``shrunk_params``,
            ``mac_ratio`` and, with a plain model beside it, ``plain_params`` and what its
            config says: ``plain_neurons``, ``plain_heads`` and ``plain_hidden``.
        cut: Where its gates were cut off; None for as training left them.
        measured: Score and speed.
        name: Of the model, as its folder is best called.
        inputs: What its tokenizer gives to it.
        formats: Which of `FORMATS` are there, too.
        standalone: Whether the folder has its own code.
        layouts: Of a decoder, what each of those that are there takes, and the dense one.
    """
    spec, writes = run.spec, model.can_generate()
    asked = _WRITES if writes else _PAIR if _has_pairs(run) else _SINGLE
    data = data_name(spec.task, run.record["data"].get("source"))
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
        **_writing(measured),
    }
    table = "\n".join(f"| {title} | {value} |" for title, value in rows.items())
    return f"""---
library_name: transformers
tags: [finegates, pruned, {"text-generation" if writes else "text-classification"}]
---

# {spec.model}, {data}, {removed} of the weights removed

A `{spec.model}` that was fine-tuned on `{data}` with `{spec.method}` (seed {spec.seed}), its
closed gates removed: {budget}.

| | |
|---|---|
{table}
{_notes(run, measured)}
## Loading

```python
{loading_lines(name, writes=writes)}
```

`{name}` is the path of this folder. Then `{asked}` answers.

## What loading it takes

finegates learns which rows and columns of a transformer a task needs, and removes the rest. What is
left has layers of unequal widths, which transformers alone can't lay out; after `import
finegates.auto` its Auto classes and pipelines can. finegates {__version__} wrote this folder; its
licence is {LICENCE}. It is installed from its source, into Python 3.11 or newer:

```
pip install /path/to/finegates
```

The weights are made of those of `{spec.model}`, whose own licence goes on for them.
{_standalone(name, writes) if standalone else ""}{_plain(name, model, facts)}\
{_formats(inputs, formats, writes)}{_layouts(facts, layouts)}
## What is left of each layer

{_heads_words(model)}
{_stream(model)}
| layer | heads | neurons |
|---|---|---|
{layers}

## How it was trained

```
{run.record["command"]}
```
"""


def _has_pairs(run: Run) -> bool:
    spec, told = run.spec, run.record["data"].get("has_pairs")
    if told is not None:
        return bool(told)
    return bool(spec.pair_column) or (spec.task in TASKS and len(TASKS[spec.task].texts) > 1)


def _layouts(facts: Mapping[str, Any], layouts: Mapping[str, Layout] | None) -> str:
    return layouts_text(layouts, facts["gated_weights"]) if layouts else ""


def _heads_words(model: Shrunk) -> str:
    architecture = architecture_of(dense_type(model.config.model_type))
    content = model.config.to_dict()
    heads = architecture.size(content, "heads")
    if not architecture.is_decoder:
        return f"Heads are given as number x width; a full layer has {heads} heads."
    groups, width = (architecture.size(content, what) for what in ("key_value_heads", "head_width"))
    return (
        "Heads are given in groups, each of one head of keys and values: groups x (query heads, "
        f"rotary pairs, values). A full layer has {groups} x ({heads // groups}, {width // 2}, "
        f"{width})."
    )


def _standalone(name: str, writes: bool) -> str:
    return f"""
## Loading it without finegates

`{CODE_FILE}` has what transformers lacks, so this folder also loads where finegates is not
installed:

```python
{standalone_lines(name, writes=writes)}
```

The Auto classes take `trust_remote_code=True` in the same way. It runs that file: if the folder
came from someone else, read the file first. It needs {needs_words()}.
It was compared with the model in a process that can't import finegates. Where `finegates.auto` is
imported, the file is not run.
"""


def _plain(name: str, model: Shrunk, facts: Mapping[str, Any]) -> str:
    if "plain_params" not in facts:
        return ""
    return f"""
## The plain model

`{PLAIN_FOLDER}/` is the same model as a stock `{dense_type(model.config.model_type)}`, for every
runtime that knows the type; it needs neither finegates nor code of its own:

```python
{stock_lines(f"{name}/{PLAIN_FOLDER}", writes=model.can_generate())}
```

A config of this type says one number of neurons and of heads for all layers, and a hidden size:
{facts["plain_neurons"]:,}, {facts["plain_heads"]:,} and {facts["plain_hidden"]:,} here. What else
is closed is zeros there, so it has {facts["plain_params"]:,} parameters, where this model has
{facts["shrunk_params"]:,}.
"""


def _formats(inputs: Sequence[str], names: Collection[str], writes: bool) -> str:
    return "".join(
        _format(inputs, FORMAT_TITLES[name], FORMAT_FILES[name], form)
        + (_NO_CACHE if writes else "")
        for name, form in FORMATS.items()
        if name in names
    )


def _format(inputs: Sequence[str], title: str, file: str, form: Format) -> str:
    names = ", ".join(f"`{name}`" for name in inputs)
    return f"""
## {title}

`{file}` needs no finegates: {form.runtime} runs it. It takes what the tokenizer gives, {names}
(int64, any number of rows and tokens), and returns `logits`. It was compared with the model on
single texts and pairs, short and long.

```python
{form.lines}
```
"""


def _scores(run: Run, measured: Measured) -> dict[str, str]:
    if measured.dense_score is None or measured.pruned_score is None:
        return {}
    metric = run.status().metric
    name = f"{scaled_name(metric)} on validation, every gate open -> this model"
    both = (measured.dense_score, measured.pruned_score)
    rows = {name: " -> ".join(scaled_text(score, metric) for score in both)}
    if errors := error_words(measured.metrics):
        rows["error in the label's own unit, this model"] = errors
    return rows


def _stream(model: Shrunk) -> str:
    width, dense = stream_width(model.config), model.config.hidden_size
    if width == dense:
        return ""
    return f"Embeddings, norms and all between layers have {width:,} of {dense:,} dimensions.\n"


def _speed(measured: Measured) -> dict[str, str]:
    timing = measured.timing
    if timing is None:
        return {}
    shape = f"{timing['batch_size']} x {timing['seq_len']} tokens, {timing['dtype']}"
    name = f"milliseconds for {shape}, dense -> this model"
    return {
        name: f"{1e3 * timing['dense_s']:.1f} -> {1e3 * timing['shrunk_s']:.1f}",
        "speed-up, median of neighbouring passes": f"{timing['speedup']:.2f}{_quartiles(timing)}",
        "measured on": f"{timing['hardware']}, {timing['threads']} threads",
    }


def _writing(measured: Measured) -> dict[str, str]:
    """How fast a language model reads and writes, where that was timed."""
    if measured.generation is None:
        return {}
    return {
        title: f"{dense} -> {pruned} ({change})" if dense else f"{pruned} ({change})"
        for title, dense, pruned, change in writing_rows(measured.generation)
    }


def _quartiles(timing: Mapping[str, Any]) -> str:
    low, high = timing.get("speedup_q25"), timing.get("speedup_q75")
    return "" if low is None or high is None else f" (quartiles {low:.2f} to {high:.2f})"


def _notes(run: Run, measured: Measured) -> str:
    unsteady = (measured.timing or {}).get("busy_why", "")
    return "\n".join(filter(None, [f"\n{unsteady}\n" if unsteady else "", _missing(run, measured)]))


def _missing(run: Run, measured: Measured) -> str:
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
    if isinstance(heads, GroupedAttentionPlan):
        shapes = ((c.groups, c.heads, c.pairs, c.values) for c in heads.classes)
        heads = ", ".join(f"{n} x ({q}, {pairs}, {v})" for n, q, pairs, v in shapes)
    elif isinstance(heads, AttentionPlan):
        heads = ", ".join(f"{n} x {width}" for n, width in heads.groups)
    if isinstance(neurons, FeedForwardPlan):
        neurons = f"{neurons.outer.columns:,}"
    return f"| {number} | {heads} | {neurons} |"
