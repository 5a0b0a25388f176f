"""What a gate stands for: a row or column of one matrix, or a whole structure.

The paper's gates are one for each row and column of each matrix (`MATRICES`). A structure's gate is
shared by all rows and columns that go with it: closed, they all go, so that what is counted is what
is removed. It multiplies activations in one place only, as twice would square it. A gate of the
residual stream (`HIDDEN`) multiplies what every norm puts out, which is new each time.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from finegates.errors import SpecError, unknown_name

AUTO, MATRICES, PLAIN, HIDDEN, PAIRS = "auto", "matrices", "plain", "hidden", "pairs"
"""`AUTO` is what a model type has by default (`finegates.models.architectures.units_of`)."""
EACH, PAIR, HEAD, ALL = "each", "pair", "head", "all"
"""Which rows or columns share a gate: each has its own, the two of a head that are rotated together
(dimensions i and i + d / 2 of its d), those of a head, or all."""
_OF_QUERIES = (("q", "out"), ("o", "in"))
"""What runs over query heads, of which several share the keys and values of one."""


@dataclass(frozen=True)
class Use:
    """A side of a matrix that goes with a structure.

    Attributes:
        role: Of the matrix.
        side: ``in`` for its columns, ``out`` for its rows.
        applies: Whether gates multiply there; else the rows or columns only go along.
    """

    role: str
    side: str
    applies: bool = True

    @property
    def name(self) -> str:
        """Of the side within its layer, for example ``"o.in"``."""
        return f"{self.role}.{self.side}"


@dataclass(frozen=True)
class Kind:
    """One kind of gate vector; each layer has one, or the whole model has.

    Attributes:
        unit: The unit that it belongs to.
        part: Which of the unit's vectors of a layer.
        per: `EACH`, `PAIR`, `HEAD` or `ALL`.
        uses: What goes with its gates; the first tells how many there are.
        of_model: Whether one vector goes through all layers.
    """

    unit: str
    part: str
    per: str
    uses: tuple[Use, ...]
    of_model: bool = False


INTO_NEURONS, OUT_OF_NEURONS = ("gate", "up"), "down"
"""Matrices of a decoder's feed-forward: ``down(act(gate x) * (up x))``."""


def decoder_roles(role: str) -> tuple[str, ...]:
    """What stands in a decoder for a matrix of an encoder: ``intermediate`` is gate and up."""
    return {"intermediate": INTO_NEURONS, "output": (OUT_OF_NEURONS,)}.get(role, (role,))


def _goes(role: str, side: str) -> Use:
    return Use(role, side, applies=False)


KINDS = (  # of encoders; `_of_decoders` says the same of decoders
    Kind("neurons", "whole", EACH, (_goes("intermediate", "out"), Use("output", "in"))),
    Kind("values", "whole", EACH, (_goes("v", "out"), Use("o", "in"))),
    Kind(PAIRS, "whole", EACH, (Use("k", "out"), _goes("q", "out"))),
    Kind("heads", "whole", HEAD, (
        _goes("k", "out"), _goes("q", "out"), _goes("v", "out"), Use("o", "in"),
    )),
    Kind("reads", "attention", EACH, (Use("q", "in"), Use("k", "in"), Use("v", "in"))),
    Kind("reads", "ffn", EACH, (Use("intermediate", "in"),)),
    Kind("writes", "attention", EACH, (Use("o", "out"),)),
    Kind("writes", "ffn", EACH, (Use("output", "out"),)),
    Kind("sublayers", "attention", ALL, (
        _goes("q", "out"), _goes("k", "out"), _goes("v", "out"), Use("o", "out"),
    )),
    Kind("sublayers", "ffn", ALL, (_goes("intermediate", "out"), Use("output", "out"))),
    Kind(HIDDEN, "whole", EACH, (
        _goes("q", "in"), _goes("k", "in"), _goes("v", "in"), _goes("o", "out"),
        _goes("intermediate", "in"), _goes("output", "out"),
    ), of_model=True),
)  # fmt: skip
OVER_HEADS = ("values", PAIRS)
"""Units whose gates run over the dimensions of heads."""
WHOLE_UNITS = tuple(dict.fromkeys(kind.unit for kind in KINDS if kind.per != EACH))
"""Units whose gates stand for many neighbouring rows and columns."""
UNITS = tuple(dict.fromkeys(kind.unit for kind in KINDS))
PRESETS = {
    "structures": ("neurons", "values", "pairs", "reads", "writes"),
    PLAIN: ("neurons", "heads"),
}
CHOICES = (AUTO, MATRICES, *PRESETS, *UNITS)


def chosen_units(names: Iterable[str]) -> tuple[str, ...]:
    """Units by their names and those of presets, in the table's order; or one alone of the others.

    Raises:
        SpecError: If there is no such unit, none is given, or `AUTO` or `MATRICES` stands beside
            others.
    """
    given = [*names]
    for name in given:
        if name not in CHOICES:
            raise SpecError(unknown_name("gate unit", name, CHOICES))
    units = {unit for name in given for unit in PRESETS.get(name, (name,))}
    alone = units & {AUTO, MATRICES}
    if not units or (alone and len(units) > 1):
        raise SpecError(
            f"gate_units is '{','.join(given)}'; give '{AUTO}' or '{MATRICES}' alone, or at least "
            f"one of {', '.join(CHOICES[2:])}."
        )
    return tuple(alone) or tuple(u for u in UNITS if u in units)


def check_whole(
    units: Iterable[str], sides: str, target_modules: Iterable[str], roles: Iterable[str]
) -> None:
    """Raises SpecError if a structure's gates would leave out some of its rows and columns."""
    missing = [role for role in roles if role not in {*target_modules}]
    if sides != "both" or missing:
        given = f"gate_sides '{sides}'" if sides != "both" else f"no gates on {', '.join(missing)}"
        raise SpecError(
            f"gate_units is '{','.join(units)}', whose gates stand for whole structures, but there "
            f"is {given}; leave gate_sides and target_modules as they are, or take the unit "
            f"'{MATRICES}'."
        )


def kinds_of(units: Iterable[str], *, decoder: bool = False) -> tuple[Kind, ...]:
    """The kinds of gate vectors there are; none for `MATRICES`, whose vectors are sides."""
    units = {*units}
    kinds = tuple(kind for kind in KINDS if kind.unit in units)
    return tuple(map(_of_decoders, kinds)) if decoder else kinds


def _of_decoders(kind: Kind) -> Kind:
    """Two matrices lead into a neuron, and queries and keys are rotated in pairs."""
    uses = [replace(use, role=role) for use in kind.uses for role in decoder_roles(use.role)]
    per = PAIR if kind.unit == PAIRS else kind.per
    return replace(kind, per=per, uses=tuple(uses))


def sides_of(units: Iterable[str], role: str, *, decoder: bool = False) -> tuple[str, ...]:
    """Which sides of a matrix have rows or columns that go with a gate."""
    kinds = kinds_of(units, decoder=decoder)
    found = {use.side for kind in kinds for use in kind.uses if use.role == role}
    return tuple(side for side in ("in", "out") if side in found)


def gates_of_side(
    per: str, role: str, side: str, features: int, num_heads: int, num_key_value_heads: int
) -> np.ndarray:
    """Which gate of its kind's vector each row or column of a side has, shape ``(features,)``.

    Args:
        per: `EACH`, `PAIR`, `HEAD` or `ALL`.
        role: Of the matrix.
        side: ``in`` or ``out``.
        features: Rows or columns.
        num_heads: Query heads; those of one group share gates of keys and values.
        num_key_value_heads: Heads of keys and values.
    """
    places = np.arange(features)
    if per == ALL:
        return np.zeros(features, dtype=np.int64)
    over_queries = (role, side) in _OF_QUERIES
    if per == EACH and not over_queries:
        return places
    width = features // (num_heads if over_queries else num_key_value_heads)
    head = places // width
    if over_queries:
        head = head // (num_heads // num_key_value_heads)
    if per == PAIR:
        return head * (width // 2) + places % width % (width // 2)
    return head if per == HEAD else head * width + places % width
