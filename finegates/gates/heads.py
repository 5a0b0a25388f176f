"""Attention heads: how much of each is open, and which are dead."""

from dataclasses import dataclass

import numpy as np

from finegates.gates.layout import GateLayout

HEAD_SIDES = (("q", "out"), ("k", "out"), ("v", "out"), ("o", "in"))
"""Roles and sides whose gates run over heads."""


@dataclass(frozen=True)
class HeadUse:
    """What is left of each attention head.

    Attributes:
        layers: Layer numbers, shape ``(num_layers,)``.
        open: Open gates of each head by role, shape ``(num_roles, num_layers, num_heads)``.
        roles: Those of `HEAD_SIDES` that have gates, shape ``(num_roles,)``.
        sizes: Gates of a head by role, shape ``(num_roles,)``.
        share: The open share of a head's gates, shape ``(num_layers, num_heads)``.
        dead: Heads of which no value reaches the output: each dimension's row of v or column of o
            is closed. Shape ``(num_layers, num_heads)``.
    """

    layers: tuple[int, ...]
    open: np.ndarray
    roles: tuple[str, ...]
    sizes: tuple[int, ...]
    share: np.ndarray
    dead: np.ndarray


def head_use(layout: GateLayout, kept: np.ndarray) -> HeadUse | None:
    """Counts the open gates of each head; None where no gates run over heads in every layer.

    A group's k and v count for each of its heads.

    Args:
        layout: Where each gate is.
        kept: Boolean, shape ``(num_dimensions,)``: which rows and columns are open.
    """
    layers = sorted({matrix.layer for matrix in layout.matrices})
    places = {
        role: [layout.side_places.get(f"{layer}.{role}.{side}", -1) for layer in layers]
        for role, side in HEAD_SIDES
    }
    roles = tuple(role for role, found in places.items() if min(found) >= 0)
    if not roles:
        return None
    by_role = {role: _by_head(layout, kept, places[role]) for role in roles}
    num_open = np.stack([part.sum(axis=2) for part in by_role.values()])
    sizes = tuple(part.shape[2] for part in by_role.values())
    ends = [by_role[role] for role in ("v", "o") if role in by_role]
    reaches: np.ndarray = np.logical_and.reduce(ends or [np.ones((*num_open.shape[1:], 1), bool)])
    share = num_open.sum(axis=0) / sum(sizes)
    return HeadUse(tuple(layers), num_open, roles, sizes, share, np.asarray(~reaches.any(axis=2)))


def _by_head(layout: GateLayout, kept: np.ndarray, places: list[int]) -> np.ndarray:
    """Which gates are kept, shape ``(num_layers, num_heads, head_size)``."""
    sides = [layout.sides[place] for place in places]
    heads = len(layout.head_bounds(sides[0]))
    parts = np.stack([kept[side.slice] for side in sides]).reshape(len(sides), heads, -1)
    return np.repeat(parts, layout.num_heads // heads, axis=1)
