"""A look at the rows before a run: how many, how the labels are spread, the first few."""

import pandas as pd
import streamlit as st

from app.text import escape_markdown, on_screen
from app.words import metric_name
from finegates.data.splits import TextSplits

ROWS_SHOWN = 5
SHOWN_IN_FULL = 6


def draw_preview(splits: TextSplits) -> None:
    """How many rows there are, how the labels are spread, and the first rows."""
    train = splits.train
    left, right = st.columns([3, 2])
    names = dict(enumerate(splits.labels))
    shown = train.head(ROWS_SHOWN).copy()
    if names:
        shown["label"] = shown["label"].map(names)
    left.dataframe(shown, hide_index=True, alt="The first training rows", row_height=32)
    with right:
        st.markdown(
            f"**{len(train):,}** training rows, **{len(splits.validation):,}** for validation"
        )
        if names:
            _draw_balance(train["label"].map(names))
        elif not splits.is_language:
            low, high = train["label"].min(), train["label"].max()
            st.markdown(
                f"A number from **{low:g}** to **{high:g}**, mean {train['label'].mean():.3g}"
            )
        if splits.done:
            st.caption(escape_markdown(" ".join(splits.done)))
        st.caption("Scored by " + ", ".join(map(metric_name, splits.metrics)) + ".")


def _draw_balance(labels: pd.Series) -> None:
    counts = labels.value_counts()
    table = pd.DataFrame(
        {"label": counts.index, "rows": list(counts), "share": list(100 * counts / counts.sum())}
    )
    st.dataframe(
        on_screen(table), hide_index=True, row_height=32,
        height="content" if len(table) <= SHOWN_IN_FULL else 230,
        column_config={
            "label": st.column_config.TextColumn("Label"),
            "rows": st.column_config.NumberColumn("Rows", format="localized", width=60),
            "share": st.column_config.ProgressColumn(
                "Share", format="%.3g %%", max_value=100, width=110
            ),
        },
        alt="Training rows of each label",
    )  # fmt: skip
