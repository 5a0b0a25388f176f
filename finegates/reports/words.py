"""Numbers as people read them, and the one definition of each term that pages and reports show."""

import math

from finegates.data.metric_kinds import (
    base_metric,
    baseline_name,
    block_length,
    is_lower_better,
    score_text,
)
from finegates.gates.layout import ALL_LAYERS, layer_word

NOTHING = "–"
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400

TERMS = {
    "score": "The main metric of the task on its validation rows, at the last evaluation.",
    "majority": "What always answering the most common training label would score.",
    "untrained": "What the pretrained model scores on the same validation text, before any "
    "training and with nothing removed.",
    "rmse": "Root mean squared error on the validation rows. A correlation is the same for answers "
    "that are shifted or stretched, so it can't say whether they are of use; this can.",
    "target": "What the run was asked for. What it is a fraction of depends on the recipe.",
    "closed": "Gates whose value is exactly 0, of all gates. It is not the share of weights "
    "removed: a weight goes when the gate of its row or of its column is closed.",
    "counted": "What the budget counts, as the run chose: parameters, multiply-accumulates or the "
    "time of a pass, as expected from what the parts of a layer take.",
    "removed": "Weights in closed rows and columns, of all weights of the gated matrices. This is "
    "what gets smaller.",
    "expected": "Removed weights to be expected from the gates' probabilities of being closed.",
    "throughput": "Training rows per second, the mean since the last log line.",
    "memory": "Peak memory of the worker process, or of the GPU where it trains on one.",
}

ROLE_NAMES = {
    "q": "Query",
    "k": "Key",
    "v": "Value",
    "o": "Attn out",
    "intermediate": "FFN in",
    "output": "FFN out",
}
KIND_NAMES = {
    **ROLE_NAMES,
    "neurons": "Neurons",
    "values": "Values",
    "pairs": "Query-key pairs",
    "heads": "Heads",
    "reads": "Reads",
    "writes": "Writes",
    "sublayers": "Sublayer",
    "hidden": "Residual stream",
}
"""What a gate vector's gates stand for: a side of a matrix, or structures."""
SIDE_NAMES = {
    "in": "columns", "out": "rows", "whole": "whole", "attention": "attention",
    "ffn": "feed-forward",
}  # fmt: skip
"""Which side of its matrix, or which part of a layer or of the model."""


def layer_name(layer: int) -> str:
    """``3`` -> ``"L3"``; ``"all"`` for what goes through all layers."""
    return layer_word(layer) if layer == ALL_LAYERS else f"L{layer}"


def learned_nothing(answer: str) -> str:
    """What a run says that answers every row alike, and what to try."""
    return (
        f"Every validation row gets the same answer, {answer}: this training has failed so far. "
        "What helped most is a head that is fitted first (head start), then smaller learning "
        "rates, a target that comes later or is smaller, and more epochs."
    )


def percent(fraction: float | None, digits: int = 1) -> str:
    """``0.3`` -> ``"30.0 %"``."""
    return NOTHING if fraction is None else f"{100 * fraction:.{digits}f} %"


def score(value: float | None, metric: str = "") -> str:
    """A score; most have three decimals, so that they are not taken for a sparsity."""
    return NOTHING if value is None else score_text(value, metric)


def metric_name(metric: str | None) -> str:
    """``"macro_f1"`` -> ``"Macro F1"``; blocks in brackets: ``"Perplexity (blocks of 128)"``."""
    metric = metric or "score"
    words, length = base_metric(metric).replace("_", " "), block_length(metric)
    name = (words[:1].upper() + words[1:]).replace("f1", "F1")
    return name if length is None else f"{name} (blocks of {length:,})"


def baseline(metric: str) -> tuple[str, str]:
    """What a run's score is held against: its name, and what it is."""
    name = baseline_name(metric)
    term = "untrained" if is_lower_better(metric) else "majority"
    return name[:1].upper() + name[1:], TERMS[term]


def duration(seconds: float | None) -> str:
    """``75`` -> ``"1 min 15 s"``; the two largest units."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    seconds = max(0, round(seconds))
    for unit, name, below, below_name in (
        (DAY_S, "d", HOUR_S, "h"),
        (HOUR_S, "h", MINUTE_S, "min"),
        (MINUTE_S, "min", 1, "s"),
    ):
        if seconds >= unit:
            rest = seconds % unit // below
            return f"{seconds // unit} {name}" + (f" {rest} {below_name}" if rest else "")
    return f"{seconds} s"


def size(num_bytes: float | None) -> str:
    """``1320000000`` -> ``"1.2 GiB"``."""
    if num_bytes is None:
        return NOTHING
    for unit, power in (("GiB", 3), ("MiB", 2), ("KiB", 1)):
        if num_bytes >= 1024**power:
            value = num_bytes / 1024**power
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    return f"{num_bytes:.0f} B"


def count(number: float | None) -> str:
    """``10616832`` -> ``"10.6 M"``; up to 9,999 as it is."""
    if number is None:
        return NOTHING
    for unit, limit in (("G", 1e9), ("M", 1e6), ("k", 1e4)):
        if number >= limit:
            return f"{number / (1e3 if unit == 'k' else limit):.1f} {unit}"
    return f"{number:,.0f}"


def per_second(rows: float | None) -> str:
    """``212.4`` -> ``"212 rows/s"``."""
    return (
        NOTHING if rows is None else f"{rows:,.3g} rows/s" if rows < 100 else f"{rows:,.0f} rows/s"
    )


def title(name: str) -> str:
    """A setting's name as a label: ``"gate_learning_rate"`` -> ``"Gate learning rate"``."""
    words = name.replace("_", " ").replace("lora", "LoRA").replace("lr ", "LR ")
    return words[:1].upper() + words[1:]
