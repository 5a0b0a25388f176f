"""The same dense model pruned by Torch-Pruning against ours, at the same share of removed weights.

    python -m benchmarks.peers [--remove 0.2,0.4,0.6] [--shapes 32x128] [--repeats 3]

They do not do the same. Ours closes single rows and columns and keeps the outputs of the masked
model. Torch-Pruning removes coupled groups: whole heads, neurons, and ("everything") dimensions of
the residual stream, out of embeddings and norms, too; what it leaves is dense and has other
outputs, to be trained again. Neither is trained here: random weights, gates of unequal widths. What
is compared is how much of the removed work each turns into time: passes of dense, ours and theirs
take turns in one process. Each row is written as soon as it is measured:
benchmarks/results/peers.json; the last line printed is that JSON.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

from transformers import PreTrainedModel

from benchmarks.rows import add_row
from benchmarks.torch_pruning import KINDS, layers_cost, prune_by_torch_pruning
from finegates.errors import first_line
from finegates.gates.cuts import Cut
from finegates.measuring.candidates import (
    DENSE,
    SHRUNK,
    Candidates,
    attach_random_gates,
    candidates,
    random_inputs,
    random_model,
)
from finegates.measuring.timing import Pass, interleaved, ratios, spread
from finegates.shrinking.cost import Cost, dense_cost, needed_cost, num_parameters

KEY = ("remove", "batch_size", "seq_len", "candidate")
ABOUT = {
    "torch_pruning": version("torch-pruning"),
    "kinds": KINDS,
    "outputs_kept": {SHRUNK: True, **dict.fromkeys(KINDS, False)},
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and writes."""
    options = parsed(arguments)
    model = random_model(options.model).eval()
    attach_random_gates(model)
    forms: Candidates | None = None
    for remove in map(float, options.remove.split(",")):
        forms = candidates(model, Cut(remove=remove), dense=forms)
        models, failed = theirs(forms.models[DENSE], remove)
        for shape in options.shapes.split(","):
            rows = measure(forms, models, tuple(map(int, shape.split("x"))), options.repeats)
            for row in [*rows, *failed]:
                print(row, file=sys.stderr, flush=True)
                result = add_row("peers.json", row, KEY, {"model": options.model, **ABOUT})
    print(json.dumps(result))


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="roberta-base")
    parser.add_argument("--remove", default="0.2,0.4,0.6", help="fractions of the gated weights")
    parser.add_argument("--shapes", default="32x128", help="rows x tokens")
    parser.add_argument("--repeats", type=int, default=3)
    return parser.parse_args(arguments)


def theirs(
    dense: PreTrainedModel, remove: float
) -> tuple[dict[str, PreTrainedModel], list[dict[str, Any]]]:
    """What the library makes of the dense model, and rows that tell what it could not make."""
    models, failed = {}, []
    for kind in KINDS:
        try:
            models[kind] = prune_by_torch_pruning(dense, remove, kind)
        except Exception as error:  # whatever it raises is the result
            told = f"{type(error).__name__}: {first_line(error)}"
            failed.append({"candidate": kind, "remove": remove, "error": told})
    return models, failed


def measure(
    forms: Candidates, models: dict[str, PreTrainedModel], shape: tuple[int, ...], repeats: int
) -> list[dict[str, Any]]:
    """A row for ours and for each of theirs, all timed together with dense."""
    dense, ours = forms.models[DENSE], forms.models[SHRUNK]
    inputs = random_inputs(dense, *shape)
    timed = {DENSE: dense, SHRUNK: ours, **models}
    passes: dict[str, Pass] = {n: lambda m=m: m(**inputs) for n, m in timed.items()}
    times = interleaved(passes, repeats)
    cost_of: Callable[[Any], Cost] = layers_cost
    costs = {SHRUNK: needed_cost(ours), **{name: cost_of(m) for name, m in models.items()}}
    return [
        {
            "remove": forms.cut.remove,
            "batch_size": shape[0],
            "seq_len": shape[1],
            "candidate": name,
            "repeats": repeats,
            "dense_s": spread(times[DENSE])["median"],
            **speed(times[DENSE], times[name], dense_cost(dense.config), cost, shape[1]),
            **left(dense, timed[name], cost),
        }
        for name, cost in costs.items()
    ]


def speed(
    dense_s: Sequence[float], seconds: Sequence[float], dense: Cost, cost: Cost, length: int
) -> dict[str, float]:
    """Time relative to dense, and the speed-up relative to that of the multiply-accumulates."""
    factors = spread(ratios(seconds, dense_s))
    ceiling = dense.macs(length) / max(cost.macs(length), 1)
    speedup = spread(ratios(dense_s, seconds))["median"]
    return {
        "time_factor": factors["median"],
        "time_factor_p10": factors["p10"],
        "time_factor_p90": factors["p90"],
        "speedup": speedup,
        "mac_ratio": ceiling,
        "realised_over_ideal": speedup / ceiling,
    }


def left(dense: PreTrainedModel, model: PreTrainedModel, cost: Cost) -> dict[str, float]:
    """Parameters, and what of the layers' products is gone."""
    return {
        "dense_params": num_parameters(dense),
        "params": num_parameters(model),
        "removed_products_fraction": 1
        - cost.products_per_token / dense_cost(dense.config).products_per_token,
    }


if __name__ == "__main__":
    main()
