"""How a shrunk layer is laid out: what its sublayers read, compute and write."""

from dataclasses import dataclass
from typing import Any

from finegates.errors import SpecError

DENSE, CONSTANT = "dense", "constant"


@dataclass(frozen=True)
class Projection:
    """A product that reads the residual stream.

    Attributes:
        columns: Columns that are read, with padding; None if all are, without a copy.
        rows: Outputs, with padding.
        bias: Whether it has one.
    """

    columns: int | None
    rows: int
    bias: bool = True


@dataclass(frozen=True)
class Output:
    """A product that adds to the residual stream.

    Attributes:
        columns: Inputs, with padding.
        rows: Rows that are computed, with padding; None if all are, without a copy.
        constant: Whether rows that are not computed have a bias.
        bias: Whether those that are have one.
    """

    columns: int
    rows: int | None
    constant: bool
    bias: bool = True


@dataclass(frozen=True)
class AttentionPlan:
    """Attention with anything left.

    Attributes:
        groups: Heads and their width, for heads that are computed together.
        projections: One for queries, keys and values together, or one for each.
        output: What o does.
    """

    groups: tuple[tuple[int, int], ...]
    projections: tuple[Projection, ...]
    output: Output

    @property
    def width(self) -> int:
        """Numbers per token in all heads' queries; as many in keys and values."""
        return sum(heads * width for heads, width in self.groups)


@dataclass(frozen=True)
class HeadClass:
    """Heads of keys and values that a decoder computes together, each with its query heads.

    Attributes:
        groups: Heads of keys and values.
        heads: Query heads of each.
        pairs: Rotated pairs of queries and keys of each.
        values: Values of each.
        selects: Whether some of their pairs are gone, so that an index says which are left.
    """

    groups: int
    heads: int
    pairs: int
    values: int
    selects: bool

    @property
    def widths(self) -> tuple[int, int, int]:
        """Numbers per token in queries, keys and values."""
        keys = self.groups * 2 * self.pairs
        return self.heads * keys, keys, self.groups * self.values


@dataclass(frozen=True)
class GroupedAttentionPlan:
    """Attention of a decoder with anything left.

    Attributes:
        classes: Its heads, those of one shape together.
        projections: One for queries, keys and values together, or one for each.
        output: What o does.
    """

    classes: tuple[HeadClass, ...]
    projections: tuple[Projection, ...]
    output: Output

    @property
    def widths(self) -> tuple[int, int, int]:
        """Numbers per token in all queries, keys and values."""
        queries, keys, values = (
            sum(one) for one in zip(*(c.widths for c in self.classes), strict=True)
        )
        return queries, keys, values


@dataclass(frozen=True)
class FeedForwardPlan:
    """A feed-forward sublayer with any neuron left: its two products.

    A decoder's first has two rows for each neuron, all of gate before all of up.
    """

    inner: Projection
    outer: Output


@dataclass(frozen=True)
class LayerPlan:
    """A layer. A sublayer is a plan, ``DENSE`` (as it was) or ``CONSTANT`` (a bias is left)."""

    attention: AttentionPlan | GroupedAttentionPlan | str
    feed_forward: FeedForwardPlan | str

    @classmethod
    def from_dict(cls, content: Any) -> "LayerPlan":
        """The inverse of ``dataclasses.asdict``, by way of JSON.

        Raises:
            SpecError: If it is not what that gave.
        """
        try:
            return cls(
                _attention_from(content["attention"]), _feed_forward_from(content["feed_forward"])
            )
        except (KeyError, TypeError, ValueError) as error:
            raise SpecError(f"The plan of a shrunk layer is damaged: {error!r}.") from error


@dataclass(frozen=True)
class Needs:
    """The least that a layer's gates leave to compute, however it is laid out.

    Attributes:
        weights: Of its matrices; as many products per token.
        score_products: Products per token and key of its attention.
    """

    weights: int
    score_products: int


def _attention_from(content: Any) -> AttentionPlan | GroupedAttentionPlan | str:
    if content in (DENSE, CONSTANT):
        return content
    if "classes" in content:
        return GroupedAttentionPlan(
            tuple(HeadClass(**one) for one in content["classes"]),
            tuple(Projection(**p) for p in content["projections"]),
            Output(**content["output"]),
        )
    groups = tuple((int(heads), int(width)) for heads, width in content["groups"])
    projections = tuple(Projection(**p) for p in content["projections"])
    return AttentionPlan(groups, projections, Output(**content["output"]))


def _feed_forward_from(content: Any) -> FeedForwardPlan | str:
    if content in (DENSE, CONSTANT):
        return content
    return FeedForwardPlan(Projection(**content["inner"]), Output(**content["outer"]))
