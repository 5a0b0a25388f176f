"""What the Data page shows of rows: figures, faults, classes, lengths, and the rows themselves."""

from dataclasses import replace

import numpy as np
import streamlit as st

from app.charts.data import class_bars, length_bars
from app.data import frames
from app.new.fields import setting_input
from app.new.model import choose_model
from app.reading.data import data_rows, data_tokens
from app.text import escape_markdown, on_screen
from finegates.data.report import DataReport
from finegates.errors import FineGatesError
from finegates.methods import DEFAULT_METHOD
from finegates.models.sources import model_sizes
from finegates.models.tokens import longest_input
from finegates.spec import RunSpec

WORDS, TOKENS = "words", "tokens"
TOKEN_ROWS = 20_000
"""Tokens are counted of this many rows, drawn at random: about a second's work."""
ROWS_SHOWN = 20
FIRST_ROWS = "First rows"


def draw_figures(report: DataReport) -> None:
    """Rows, their split, lengths and how much was found."""
    about = report.description
    tiles = st.columns(5)
    tiles[0].metric("Rows", f"{about.rows:,}")
    split = f"{report.num_train:,} / {report.num_validation:,}" if report.num_train else "–"
    tiles[1].metric(
        "Training / validation", split,
        help="As a run splits them: a share of your file is put aside, the same in each class.",
    )  # fmt: skip
    tiles[2].metric(
        "Median words", f"{about.median_words:g}",
        help=f"Of the first text; the longest has {about.max_words:,} words and "
        f"{about.max_characters:,} characters.",
    )  # fmt: skip
    tiles[3].metric("Repeated texts", f"{about.duplicate_texts:,}", help="Rows whose text, with "
                    "its second text, stood in an earlier row.")  # fmt: skip
    tiles[4].metric("Kinds of fault", len(report.faults), help="See the table below.")


def draw_faults(report: DataReport) -> None:
    """What is wrong, with row numbers; or that nothing is."""
    st.subheader("What is wrong")
    if not report.faults:
        checked = "no empty text or label, no repeated text, no label that looks like a slip"
        if not report.refusal:
            st.success(f"Nothing was found: {checked}, no text in both splits.")
        else:
            st.caption(f"In single rows nothing was found: {checked}.")
        return
    config = st.column_config
    found = on_screen(frames.fault_table(report.faults))
    st.dataframe(
        found, key="faults", hide_index=True, row_height=32,
        alt=f"{len(report.faults)} kinds of fault in the data",
        column_config={
            "kind": config.TextColumn(
                "Kind", width=76, help="refused: no run starts on these rows. warning: a run "
                "learns from them all the same."
            ),
            "what": config.TextColumn("What", width=180),
            "number": config.NumberColumn("Number", width=70, format="localized"),
            "rows": config.TextColumn(
                "Rows", width=200, help="From 1, the first row below the header."
            ),
            "text": config.TextColumn("In words", width=560),
        },
    )  # fmt: skip


def draw_classes(report: DataReport) -> None:
    """How many rows each class has; of a number to predict, its range."""
    about = report.description
    st.subheader("Labels")
    if about.class_counts is not None:
        frame = frames.class_frame(about.class_counts)
        if frame.empty:
            st.caption("No row has a label.")
            return
        st.altair_chart(
            class_bars(frame), key="classes",
            alt=f"Rows of each of {len(about.class_counts)} classes",
        )  # fmt: skip
        st.caption(
            "Each bar is a class, with its rows and share behind it. Always answering the largest "
            f"one would score {frame['share'].max():.1%}."
        )
        return
    if about.label_mean is None:
        st.caption("No label is a number.")
        return
    tiles = st.columns(4)
    for tile, name in zip(tiles, ("mean", "std", "min", "max"), strict=True):
        tile.metric(f"Label, {name}", f"{getattr(about, f'label_{name}'):.4g}")


def draw_lengths(report: DataReport, spec: RunSpec) -> None:
    """How long the rows are, in words or in the model's tokens."""
    st.subheader("Lengths")
    unit = st.segmented_control(
        "Length in", [WORDS, TOKENS], default=WORDS, key="length", bind="query-params",
        required=True, help="Words are what blanks part. Tokens are what the model reads.",
    )  # fmt: skip
    values, limit = report.words, None
    if unit == TOKENS:
        try:
            values, limit = _tokens(report, spec)
        except FineGatesError as error:
            st.error(escape_markdown(str(error)), icon=":material/error:")
            return
    st.altair_chart(
        length_bars(frames.histogram(values), unit, limit), key="lengths",
        alt=f"How many of {len(values):,} rows have how many {unit}",
    )  # fmt: skip
    st.caption(
        "Each bar counts the rows of that length, both texts of a pair together. Median "
        f"{np.median(values):g}, longest {values.max(initial=0):,}."
    )
    if limit is not None:
        cut = int((values > limit).sum())
        st.markdown(
            f"**{cut:,}** of {len(values):,} rows ({cut / max(len(values), 1):.1%}) are longer "
            f"than {limit} tokens and are cut there."
        )


def _tokens(report: DataReport, spec: RunSpec) -> tuple[np.ndarray, int]:
    """Tokens of the rows for the chosen model, and where it cuts them."""
    model = choose_model()
    max_length = setting_input("max_length", DEFAULT_METHOD)
    if not model:
        raise FineGatesError("Name a model first.")
    with st.spinner("Counting tokens …"):
        asked = replace(spec, model=model)
        values = data_tokens(asked, report.columns, TOKEN_ROWS)
    if len(values) < report.description.rows:
        st.caption(f"Counted of {len(values):,} rows, drawn at random.")
    return values, min(max_length, longest_input(model_sizes(model)))


def draw_rows(report: DataReport, spec: RunSpec) -> None:
    """The first rows, or those that a fault is about, as they stand in the file."""
    st.subheader("Rows")
    faults = {f"{n}. {fault.name}": fault for n, fault in enumerate(report.faults, start=1)}
    chosen = st.selectbox(
        "Show", [FIRST_ROWS, *faults], key=f"show_rows_{spec.data}", width=320,
        help="The first rows of the file, or the rows that something is wrong with.",
    )  # fmt: skip
    first = tuple(range(1, min(ROWS_SHOWN, report.description.rows) + 1))
    numbers = faults[chosen].rows[:ROWS_SHOWN] if chosen in faults else first
    if chosen in faults:
        st.text(faults[chosen].text)
    frame = on_screen(data_rows(spec, numbers))
    st.dataframe(
        frame, key="rows", hide_index=True, row_height=32, alt=f"{len(numbers)} rows of the data",
        column_config={frame.columns[0]: st.column_config.NumberColumn(width=60)},
    )  # fmt: skip
