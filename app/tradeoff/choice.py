"""What the reader chose to see of the trade-off: all of it is in the address."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import streamlit as st

from app.charts.axes import AXES, KIND_NAMES, KNOWN_AXES
from app.charts.style import in_order
from finegates.results.points import ROUNDED, TRAINED, Point

CURVES = {name: kind for kind, name in KIND_NAMES.items()}
DEFAULT_CURVES = [KIND_NAMES[TRAINED], KIND_NAMES[ROUNDED]]
MOST_PANELS = 4


@dataclass(frozen=True)
class Look:
    """How points are drawn.

    Attributes:
        axis: A key of `app.charts.axes.AXES`.
        kinds: Kinds of points that are drawn.
        front: Whether the Pareto front is joined and marked.
        quoted: Whether the paper's points are shown.
    """

    axis: str = "removed"
    kinds: tuple[str, ...] = (TRAINED,)
    front: bool = False
    quoted: bool = False


def choose_axis(axes: Collection[str] = KNOWN_AXES) -> str:
    """What the x axis shows, of these keys of `AXES`."""
    shown = {name: AXES[name] for name in axes}
    return st.segmented_control(
        "Across", list(shown), default="removed", key="axis", bind="query-params", required=True,
        help="  \n".join(f"**{name}**: {title}. {text}" for name, (title, text) in shown.items()),
    )  # fmt: skip


def choose_task(found: dict[str, list[Point]]) -> str:
    """Whose points are shown: a key of `app.tradeoff.frames.comparisons`."""
    return st.selectbox(
        "Data set", list(found), key="task", bind="query-params", width=260,
        help="Runs of one task, metric and model stand in one chart.",
    )  # fmt: skip


def choose_tasks(found: dict[str, list[Point]]) -> list[str]:
    """The panels: keys of `app.tradeoff.frames.comparisons`; without a choice the largest."""
    chosen = st.multiselect(
        "Data sets", list(found), key="tasks", bind="query-params", width=300,
        placeholder="all" if len(found) <= MOST_PANELS else f"the {MOST_PANELS} with most runs",
        help="A panel for each, with an axis of its own: scores of different metrics, or of "
        "different models, never share one.",
    )  # fmt: skip
    return chosen or list(found)[:MOST_PANELS]


def choose_methods(points: Iterable[Point]) -> list[str]:
    """Methods that are shown; none is all of them."""
    return st.multiselect(
        "Recipes", in_order([p.method for p in points]), key="methods", bind="query-params",
        width=300, placeholder="all", help="Only these are drawn, listed and downloaded.",
    )  # fmt: skip


def choose_look() -> Look:
    """Axis, curves, and what is shown next to them."""
    axis = choose_axis(list(AXES))
    curves = st.segmented_control(
        "Curves", list(CURVES), default=DEFAULT_CURVES, selection_mode="multi", key="curves",
        bind="query-params", help="**One training per target**: each point was trained for its "
        "own target.  \n**One run, budgets**: one run's gates, or a dense run's weights by their "
        "size, closed to several budgets without training for them.  \n**One run, thresholds**: "
        "the same, closed up to several gate values. Both are measured on the page Prune & time.",
    )  # fmt: skip
    front = st.toggle(
        "Pareto front", key="front", bind="query-params",
        help="Joins and rings the medians that no other median of the panel beats in both score "
        "and what the x axis shows.",
    )  # fmt: skip
    quoted = st.toggle(
        "Paper's points", key="quoted", bind="query-params",
        help="Figures of RoBERTa-base and RoBERTa-large as printed in arXiv 2412.12951, hollow "
        "and grey: another model than yours, so a reference and no comparison.",
    )  # fmt: skip
    return Look(axis, tuple(CURVES[name] for name in curves or CURVES), front, quoted)
