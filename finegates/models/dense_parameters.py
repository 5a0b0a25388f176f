"""Trained parameters of ETHER, ETHER+, MELoRA, PoLAR and LoRTA by formula, and what they refuse.

Loads no torch, as `finegates.models.parameters`.
"""

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from finegates.errors import ModelError
from finegates.gates.layout import GatedMatrix, GateLayout
from finegates.models.architectures import layout_of_config

LORTA_ROLES = ("q", "k", "v", "o")
"""What has heads, in the order in which the factor of roles has its rows."""


def low_rank(layout: GateLayout, rank: int) -> int:
    """Parameters of a low-rank update of each matrix: ``r (in + out)``."""
    return sum(rank * (m.in_features + m.out_features) for m in layout.matrices)


def ether(layout: GateLayout) -> int:
    """Parameters of ETHER: a vector of each matrix's inputs."""
    return sum(m.in_features for m in layout.matrices)


def ether_plus(layout: GateLayout) -> int:
    """Parameters of ETHER+ on both sides of each matrix: two vectors a side."""
    return sum(2 * (m.in_features + m.out_features) for m in layout.matrices)


def melora(layout: GateLayout, rank: int, blocks: int) -> int:
    """Parameters of MELoRA: ``n r (in / n + out / n)``, which n does not change.

    Raises:
        ModelError: If n does not divide every side.
    """
    check_blocks(layout, blocks)
    return low_rank(layout, rank)


def check_blocks(layout: GateLayout, blocks: int) -> None:
    """Whether every side of every matrix is so many equal parts.

    Raises:
        ModelError: If it is not.
    """
    sides = sorted({side for m in layout.matrices for side in (m.in_features, m.out_features)})
    if uneven := [side for side in sides if side % blocks]:
        common = math.gcd(*sides)
        allowed = ", ".join(str(n) for n in range(1, common + 1) if common % n == 0)
        raise ModelError(
            f"melora_blocks is {blocks}, which does not divide a matrix's side of {uneven[0]}; "
            f"choose one of: {allowed}."
        )


def polar(layout: GateLayout, rank: int) -> int:
    """Parameters of PoLAR: ``r (in + out) + r^2`` for each matrix.

    Raises:
        ModelError: If the rank is not smaller than every side.
    """
    for m in layout.matrices:
        check_polar_rank(rank, m.in_features, m.out_features)
    return low_rank(layout, rank) + rank**2 * len(layout.matrices)


def check_polar_rank(rank: int, in_features: int, out_features: int) -> None:
    """Whether r directions of each side leave room to turn in.

    Raises:
        ModelError: If the rank is not smaller than both sides.
    """
    smaller = min(in_features, out_features)
    if rank >= smaller:
        raise ModelError(
            f"lora_rank is {rank}, but a matrix has a side of {smaller}, and PoLAR turns r "
            f"directions within it; choose a rank of at most {smaller - 1}."
        )


def lorta(layout: GateLayout, rank: int) -> int:
    """Parameters of LoRTA: ``r (H + d_h + heads + roles + layers)`` for the whole model.

    Raises:
        ModelError: As `lorta_width`.
    """
    width, heads = lorta_width(layout), layout.num_heads
    return rank * (width + width // heads + heads + len(lorta_roles(layout)) + layout.num_layers)


def lorta_roles(layout: GateLayout) -> tuple[str, ...]:
    """The adapted ones of `LORTA_ROLES`, in that order: each has a row of the factor of roles."""
    present = {m.role for m in layout.matrices}
    return tuple(role for role in LORTA_ROLES if role in present)


def lorta_width(layout: GateLayout) -> int:
    """The width H of a model whose adapted matrices are all of H x H, as one tensor needs them.

    Raises:
        ModelError: If a matrix has no heads, H is not divisible by their number, or a matrix is not
            H x H as it has grouped heads or heads of another width than H / heads.
    """
    first = layout.matrices[0]
    width = first.out_features if first.role == "o" else first.in_features
    if others := {m.role for m in layout.matrices} - {*LORTA_ROLES}:
        raise ModelError(
            f"target_modules means {', '.join(sorted(others))}, which has no attention heads, and "
            f"LoRTA's factors are shared over heads; name only some of {', '.join(LORTA_ROLES)}."
        )
    if width % layout.num_heads:
        raise ModelError(
            f"The model is {width} wide with {layout.num_heads} heads, which do not divide it; "
            "LoRTA needs heads of equal width. Use lora, melora or polar."
        )
    if uneven := [m for m in layout.matrices if _shape(m) != (width, width)]:
        raise ModelError(_not_square(uneven[0], layout, width))
    return width


def _shape(matrix: GatedMatrix) -> tuple[int, int]:
    return matrix.out_features, matrix.in_features


def _not_square(matrix: GatedMatrix, layout: GateLayout, width: int) -> str:
    """Why a matrix can't share LoRTA's factors, and what can."""
    fitting = dict.fromkeys(m.role for m in layout.matrices if _shape(m) == (width, width))
    instead = f"set target_modules to {','.join(fitting)}, or use" if fitting else "use"
    return (
        f"{matrix.role} of this model is {matrix.out_features} x {matrix.in_features}, as it has "
        f"{layout.num_heads} heads, {layout.num_key_value_heads} of keys and values; LoRTA's "
        f"factors are shared by matrices of {width} x {width}, which needs as many heads of keys "
        f"and values as of queries, each of the width over their number; {instead} lora, melora or "
        "polar."
    )


def dense_counts(config: Mapping[str, Any], every: str) -> dict[str, int]:
    """Rows of `finegates.models.parameters.parameter_table`, of those methods that fit a model.

    Args:
        config: The content of a config.json.
        every: What the table calls all matrices, as ``all six``.

    Returns:
        Configuration -> trained parameters.
    """
    query_value = layout_of_config(config, ("q", "v"))
    rows: dict[str, Callable[[], int]] = {
        "ETHER on q, v": lambda: ether(query_value),
        "ETHER+ on q, v": lambda: ether_plus(query_value),
        "MELoRA r=8, n=2 on q, v": lambda: melora(query_value, 8, 2),
        "MELoRA r=1, n=8 on q, v": lambda: melora(query_value, 1, 8),
        f"PoLAR r=8 on {every}": lambda: polar(layout_of_config(config), 8),
        "LoRTA r=4 on q, k, v, o": lambda: lorta(layout_of_config(config, LORTA_ROLES), 4),
    }
    counts = {}
    for name, count in rows.items():
        with suppress(ModelError):  # a model that the method refuses has no such row
            counts[name] = count()
    return counts
