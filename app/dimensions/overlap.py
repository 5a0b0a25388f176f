"""Several runs against each other on the Dimensions page."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app.charts.overlap import EXPLANATIONS, pair_by_kind, run_by_run
from app.dimensions import overlap_frames as frames
from app.dimensions.maps import draw_agreement
from app.snapshots.view import GateView
from app.words import kind_name, percent
from finegates.gates.overlap import agreement, vectors_of

ALL_KINDS = "all"
ORDER = (
    "pair", "jaccard", "chance", "ratio", "above", "z", "both", "chance_both", "first", "second",
    "one", "other",
)  # fmt: skip
HELP = {
    "jaccard": "Dimensions in both over those in either, from 0 to 1: the Jaccard index.",
    "chance": "What sets with as many dimensions in each gate vector, drawn at random, would "
    "have on average.",
    "ratio": "The overlap over the one by chance; 1 is luck.",
    "above": "Where the overlap lies between chance (0 %) and equal sets (100 %).",
    "z": "Standard deviations by which what both share exceeds chance. Beyond 3 it is hardly luck, "
    "but with many dimensions a small effect has a large z: look at 'above chance' too.",
}


def draw_comparison(shown: Sequence[GateView], dark: bool) -> None:
    """Overlap above chance, pair by pair, by matrix, and dimension by dimension."""
    if len(shown) < 2:
        st.info(
            "Choose one or more runs in the box *Against* above: other seeds, tasks or methods on "
            "the same model.", icon=":material/compare_arrows:"
        )  # fmt: skip
        return
    which, kind = _choose_sets(shown)
    layout, names = shown[0].layout, [gates.name for gates in shown]
    sets = frames.chosen_sets(shown, which)
    pairs = frames.pairs_of(layout, sets)
    roles = None if kind == ALL_KINDS else [kind]
    table = frames.pair_table(layout, pairs, names, roles)
    _draw_agreement_numbers(shown, sets, which, roles, table)
    with st.container(border=True):
        st.markdown("**Overlap / by chance**", help=HELP["jaccard"] + " " + HELP["chance"])
        st.vega_lite_chart(
            frames.square(table, names), run_by_run(len(names), dark), key="overlap",
            alt=f"Overlap of what {len(names)} runs keep, above chance",
        )  # fmt: skip
        st.caption(EXPLANATIONS["runs"])
    _draw_table(table, shown)
    with st.container(border=True):
        st.markdown("**Above chance, by matrix and side**", help=HELP["above"])
        st.vega_lite_chart(
            frames.by_kind(layout, pairs), pair_by_kind(len(pairs), dark), key="kinds",
            alt="Overlap above chance of each pair of runs by matrix and side",
        )  # fmt: skip
        st.caption(EXPLANATIONS["kinds"])
    st.markdown(f"**In how many of {len(shown)} runs each dimension survives**")
    draw_agreement(shown)


def _choose_sets(shown: Sequence[GateView]) -> tuple[str, str]:
    layout = shown[0].layout
    roles, decoder = dict.fromkeys(vector.kind for vector in layout.vectors), layout.is_decoder
    with st.container(horizontal=True, vertical_alignment="bottom"):
        which = st.segmented_control(
            "Overlap of", [frames.SURVIVORS, frames.CLOSED], default=frames.SURVIVORS, key="sets",
            bind="query-params", required=True,
            help="Where nearly all dimensions survive, what is closed says more. The z of both is "
            "the same.",
        )  # fmt: skip
        kind = st.segmented_control(
            "Matrices", [ALL_KINDS, *roles], default=ALL_KINDS, key="kind", bind="query-params",
            required=True,
            help="  \n".join(f"**{role}**: {kind_name(role, decoder)}" for role in roles),
        )  # fmt: skip
    return which, kind


def _draw_agreement_numbers(
    shown: Sequence[GateView],
    sets: np.ndarray,
    which: str,
    roles: list[str] | None,
    table: pd.DataFrame,
) -> None:
    layout = shown[0].layout
    found = agreement(layout, sets, vectors_of(layout, roles))
    word = "Survive" if which == frames.SURVIVORS else "Closed"
    chance = "By chance: the average of random sets with as many dimensions in each gate vector."
    numbers = (
        (f"{word} in all {len(shown)} runs", found.in_all, found.chance_all),
        (f"{word} in none", found.in_none, found.chance_none),
    )
    with st.container(horizontal=True):
        for label, number, expected in numbers:
            st.metric(
                label, f"{number:,}", f"by chance {expected:,.0f}", delta_color="off",
                delta_arrow="off", border=True, help=f"Of {found.dimensions:,} gates. {chance}",
            )  # fmt: skip
        st.metric(
            "Mean overlap of two runs", f"{table['jaccard'].mean():.3f}",
            f"by chance {table['chance'].mean():.3f}", delta_color="off", delta_arrow="off",
            border=True, help=HELP["jaccard"],
        )  # fmt: skip
        st.metric(
            "Above chance", percent(float(table["above"].mean())), help=HELP["above"], border=True,
            height="stretch",
        )  # fmt: skip


def _draw_table(table: pd.DataFrame, shown: Sequence[GateView]) -> None:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    size: dict[str, Any] = {"format": "localized", "width": 90}
    st.dataframe(
        table.assign(above=100 * table["above"], chance_both=table["chance_both"].round()),
        key="pairs", hide_index=True, height="content", column_order=list(ORDER),
        alt=f"Overlap of {len(table)} pairs of runs",
        column_config={
            "pair": text("Runs", width=80, pinned=True, help="By their numbers above."),
            "one": text("One", width=240),
            "other": text("Other", width=240),
            "first": number("In one", **size, help="Gates in the first run's set."),
            "second": number("In other", **size, help="Gates in the second run's set."),
            "both": number("In both", **size, help="Gates in both sets."),
            "chance_both": number("In both by chance", **size, help="Of random sets, on average."),
            "jaccard": number("Overlap", format="%.3f", help=HELP["jaccard"]),
            "chance": number("By chance", format="%.3f", help=HELP["chance"]),
            "ratio": number("× chance", format="%.2f", help=HELP["ratio"]),
            "above": number("Above chance", format="%.1f %%", help=HELP["above"]),
            "z": number("z", format="%.1f", help=HELP["z"]),
        },
    )  # fmt: skip
    steps = ", ".join(f"{n} at step {gates.step:,}" for n, gates in enumerate(shown, 1))
    st.caption(f"Runs by number: {steps}. Sizes count gates; every pair stands once.")
