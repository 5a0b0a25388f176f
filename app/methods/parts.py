"""The Methods page's parts: what was measured and how, the charts, and the start of a sweep."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from app import places
from app.charts.methods import methods_chart
from app.methods.frames import points
from app.text import escape_markdown
from app.widgets.chart_files import export_buttons
from app.widgets.plain_code import plain_code
from finegates.results.compared import MEASURE, Compared, MethodScore

DENSE, SMALLER = "Dense methods: they remove nothing.", "Methods that make the model smaller."
CHARTS = {
    "trained": ("Score against trained parameters", DENSE),
    "removed": ("Score against removed weights", SMALLER),
    "speedup": ("Score against measured time", f"{SMALLER} Float32, 32 rows of 128 tokens."),
}
"""Axis -> title and a sentence."""
GAINS = {"Weights": "removed", "Time": "speedup"}
"""What removing gains, as it is chosen, -> its axis."""


def draw_start(picked: Sequence[str], runs: Mapping[str, int]) -> None:
    """Opens New sweep with the picked methods, and the table of their runs."""
    done = [name for name in picked if runs.get(name)]
    st.page_link(
        places.RUNS, label="Their runs", icon=":material/table_rows:", disabled=not done,
        query_params={"in_recipe": done}, help="Finished runs of the picked methods.",
    )  # fmt: skip
    st.page_link(
        places.NEW_SWEEP, label="Start on my data", icon=":material/grid_view:",
        disabled=not picked, query_params={"methods": ",".join(picked)},
        help="Opens New sweep with the picked methods, where data, targets and seeds are chosen. "
        "Nothing starts by itself." if picked else "Pick one or more methods first.",
    )  # fmt: skip


def draw_measured(compared: Compared | None) -> None:
    """How scores and times were measured, or that nothing was and how to."""
    if compared is None:
        st.info(
            "Scores and the cost of a step have not been measured yet. It takes some hours, can be "
            "stopped, and goes on where it was:", icon=":material/timer:",
        )  # fmt: skip
        plain_code("\n".join(MEASURE), "measure")
        return
    told = compared.settings
    words = (
        f"Measured {compared.date} on {', '.join(compared.hardware)}: {told['model']}, "
        f"{told['epochs']} epochs of {rows_in_words(told['rows'])} rows, the best of three rates "
        f"for each method, chosen on training rows put aside; methods that remove at "
        f"{100 * told['target']:g} %. So few rows say which methods are promising, no more."
    )
    st.caption(escape_markdown(words))


def rows_in_words(rows: Mapping[str, int]) -> str:
    """For example ``"128 to 640"``, of the rows of each task."""
    fewest, most = min(rows.values()), max(rows.values())
    return f"{fewest}" if fewest == most else f"{fewest} to {most}"


def draw_charts(
    frame: pd.DataFrame,
    scores: Mapping[str, MethodScore],
    picked: Sequence[str],
    task: str,
    model: str,
) -> None:
    """Dense and removing methods of these rows, side by side.

    Args:
        frame: Rows of `app.methods.frames.methods_frame`.
        scores: Method -> what it came to on the task.
        picked: Methods that stand out.
        task: The task.
        model: What the trained parameters are of.
    """
    found = points(frame, scores, picked)
    removing = found["method"].isin(frame["method"][frame["removes"]])
    dense, smaller = st.columns(2, gap="large")
    with dense:
        _draw_chart(found[~removing], "trained", scores, task, model)
    with smaller:
        shown = found[removing]
        axis = _choose_gain() if shown["speedup"].notna().any() else "removed"
        _draw_chart(shown, axis, scores, task, model)


def _choose_gain() -> str:
    """Which axis the right chart has."""
    chosen = st.segmented_control(
        "What removing gains", list(GAINS), default=next(iter(GAINS)), key="gained",
        bind="query-params", required=True, label_visibility="collapsed",
    )  # fmt: skip
    return GAINS[chosen]


def _draw_chart(
    found: pd.DataFrame, axis: str, scores: Mapping[str, MethodScore], task: str, model: str
) -> None:
    (title, sentence), shown = CHARTS[axis], found.dropna(subset=[axis])
    st.subheader(title, help=sentence)
    if shown.empty:
        st.caption("None of these methods has a score here.")
        return
    metric = scores[shown["method"].iloc[0]].metric
    of_model = f"Trained parameters, {model}" if axis == "trained" else ""
    chart = methods_chart(shown, axis, metric, of_model)
    st.altair_chart(chart, key=f"methods_{axis}", alt=f"{title}: {len(shown)} methods on {task}")
    export_buttons(chart, f"methods-{task}-{axis}", f"methods_{axis}")
