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
    """

    columns: int | None
    rows: int


@dataclass(frozen=True)
class Output:
    """A product that adds to the residual stream.

    Attributes:
        columns: Inputs, with padding.
        rows: Rows that are computed, with padding; None if all are, without a copy.
        constant: Whether rows that are not computed have a bias.
    """

    columns: int
    rows: int | None
    constant: bool


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
class FeedForwardPlan:
    """A feed-forward sublayer with any neuron left: its two products."""

    inner: Projection
    outer: Output


@dataclass(frozen=True)
class LayerPlan:
    """A layer. A sublayer is a plan, ``DENSE`` (as it was) or ``CONSTANT`` (a bias is left)."""

    attention: AttentionPlan | str
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


def _attention_from(content: Any) -> AttentionPlan | str:
    if content in (DENSE, CONSTANT):
        return content
    groups = tuple((int(heads), int(width)) for heads, width in content["groups"])
    projections = tuple(Projection(**p) for p in content["projections"])
    return AttentionPlan(groups, projections, Output(**content["output"]))


def _feed_forward_from(content: Any) -> FeedForwardPlan | str:
    if content in (DENSE, CONSTANT):
        return content
    return FeedForwardPlan(Projection(**content["inner"]), Output(**content["outer"]))
