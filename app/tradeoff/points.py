"""The table below the trade-off chart: medians over seeds, and their download."""

from datetime import datetime
from typing import Any

import streamlit as st

from app.text import escape_markdown
from app.tradeoff.point_frames import table
from app.words import NOTHING, TERMS
from finegates.results.points import Point
from finegates.results.tables import as_csv

FEW_ROWS, MAX_TABLE_HEIGHT = 14, 520


def draw_points(points: list[Point], name: str) -> None:
    """A line for each recipe and target that is shown, and a button to download them.

    Args:
        points: What the charts show, of one task or several.
        name: Of the file, without its suffix.
    """
    frame = table(points)
    if frame["task"].nunique() == 1:
        frame = frame.drop(columns="task")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader("Medians over seeds", width="stretch")
        st.download_button(
            "Download CSV",
            as_csv(points),
            file_name=f"{name}-{datetime.now():%Y%m%d-%H%M}.csv",
            mime="text/csv", icon=":material/download:", on_click="ignore", key="download_points",
            help=f"The {len(points)} points that are shown, with every score and run. A chart "
            "itself is saved by the buttons below it.",
        )  # fmt: skip
    st.dataframe(
        frame.dropna(axis="columns", how="all"),
        key="points", column_config=_columns(), hide_index=True, placeholder=NOTHING,
        height="content" if len(frame) <= FEW_ROWS else MAX_TABLE_HEIGHT,
        alt="Median score of each recipe and target",
    )  # fmt: skip
    for task, shared in dict.fromkeys((p.data_name, p.shared) for p in points if p.shared):
        st.caption(escape_markdown(f"All of {task} with {shared}."))


def _columns() -> dict[str, Any]:
    config = st.column_config
    fraction: dict[str, Any] = {"format": "%.1f %%", "width": 84}
    number: dict[str, Any] = {"format": "%.3f", "width": 84}
    return {
        "task": config.TextColumn("Data set", width=110),
        "recipe": config.TextColumn("Recipe", width=170),
        "kind": config.TextColumn(
            "How", width=120, help="trained: for this very target. rounded: gates of a run that "
            "was trained for another target, closed to this budget afterwards. cut: the same, "
            "closed up to this threshold. dense: nothing is removed.",
        ),
        "target": config.NumberColumn("Target", **fraction, help=TERMS["target"]),
        "threshold": config.NumberColumn(
            "Threshold", format="%.2f", width=84, help="Gates up to this value are closed."
        ),
        "removed": config.NumberColumn("Removed", **fraction, help=TERMS["removed"]),
        "median": config.NumberColumn("Median", **number, help=TERMS["score"]),
        "low": config.NumberColumn("Lowest", **number),
        "high": config.NumberColumn("Highest", **number),
        "seeds": config.NumberColumn("Seeds", width=60, help="Runs that the median is over."),
        "missing": config.TextColumn(
            "Missing seeds", width=110, help="Asked for by the group and not finished."
        ),
        "relative": config.NumberColumn(
            "Of full", format="%.1f %%", width=84, help="Median score, in percent of that of full "
            "fine-tuning on the same data.",
        ),
        "variant": config.TextColumn("With", width=220, help="What other runs here do not have."),
    }  # fmt: skip
