"""Trained entries by formula, of methods that train a share of a weight's entries, and of Shears.

Loads no torch: `finegates.adapters` builds by it.
"""

from collections.abc import Mapping
from typing import Any

from finegates.gates.layout import GateLayout
from finegates.methods import METHODS
from finegates.models.architectures import layout_of_config
from finegates.models.dense_parameters import low_rank
from finegates.spec import RunSpec

SPARTA_DENSITY = 0.01
"""Of each matrix. In the authors' code (github.com/IBM/SpaRTA) the 1% that is trained is of the
whole model, spread over what is not frozen."""
SHEARS_RANK = 32
SHEARS_ROLES = ("q", "k", "v", "intermediate", "output")
"""Both in the authors' code (github.com/IntelLabs/Hardware-Aware-Automated-Machine-Learning,
commit fc29bc7, folder Shears): on q, k, v, up and down of a decoder."""


def sparta(layout: GateLayout, density: float) -> int:
    """Parameters of SpaRTA: a share of the entries of each matrix."""
    return sum(sparta_entries(m.num_weights, density) for m in layout.matrices)


def sparta_entries(num_weights: int, density: float) -> int:
    """Trained entries of one matrix, at least 1."""
    return max(1, round(density * num_weights))


def sara(layout: GateLayout, density: float) -> int:
    """Parameters of SaRA: a share of the entries of all matrices together."""
    return sparta_entries(layout.num_gated_weights, density)


def shears_ranks(rank: int) -> tuple[int, int, int]:
    """What Shears draws from: r, three quarters and half of it (the authors' 32, 24, 16).

    The middle one is kept after training.
    """
    return rank, max(1, 3 * rank // 4), max(1, rank // 2)


def returning_params(spec: RunSpec, config: Mapping[str, Any]) -> int:
    """How many entries have a gradient and moments, and are at their seed again after every step.

    They take the memory of training, and are no trained parameters: `method_params` leaves them
    out. Only dynamic subset tuning has any.

    Raises:
        ModelError: If the model type is not supported.
    """
    if METHODS[spec.method].adapter != "dynamic-subset":
        return 0
    layout = layout_of_config(config, spec.target_modules)
    return layout.num_gated_weights - sparta(layout, spec.sparta_density)


def sparse_counts(config: Mapping[str, Any], every: str) -> dict[str, int]:
    """Rows of `finegates.models.parameters.parameter_table`.

    Args:
        config: The content of a config.json.
        every: What the table calls all matrices.
    """
    whole, sheared = layout_of_config(config), layout_of_config(config, SHEARS_ROLES)
    return {
        f"SaRA, the smallest 1% of {every} together": sara(whole, SPARTA_DENSITY),
        f"Dynamic Subset Tuning, 1% of each of {every}": sparta(whole, SPARTA_DENSITY),
        "Shears r=32 on q, k, v, FFN, trained": low_rank(sheared, SHEARS_RANK),
        "Shears r=24 on q, k, v, FFN, kept": low_rank(sheared, shears_ranks(SHEARS_RANK)[1]),
    }
