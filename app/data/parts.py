"""What the Data page shows of rows: figures, faults, classes, lengths, and the rows themselves."""

from dataclasses import replace

import numpy as np
import streamlit as st

from app.charts.data import class_bars, length_bars, target_bars
from app.data import frames
from app.new.fields import setting_input
from app.new.model import choose_model, chosen_model
from app.new.remedies import draw_done, draw_findings
from app.new.unknown import say_unknown, unknown_share_of
from app.reading.data import data_rows, data_tokens, splits_of
from app.text import escape_markdown, on_screen
from app.words import NOTHING
from finegates.data.report import DataReport
from finegates.data.uploads import KeptFile
from finegates.errors import FineGatesError
from finegates.methods import DEFAULT_METHOD
from finegates.models.sources import model_sizes
from finegates.models.tokens import longest_input
from finegates.spec import RunSpec

WORDS, TOKENS = "words", "tokens"
TOKEN_ROWS = 20_000
"""Tokens are counted of this many rows, drawn at random: about a second's work."""
ROWS_SHOWN, ROWS_AT_ONCE = 20, 6
FIRST_ROWS = "First rows"


def draw_figures(report: DataReport, spec: RunSpec) -> None:
    """Rows, their split, lengths, what the model can't read, and how much was found."""
    about = report.description
    tiles = st.grid(6, min_column_width=130)
    tiles.metric("Rows", f"{about.rows:,}")
    split = f"{report.num_train:,} / {report.num_validation:,}" if report.num_train else "–"
    tiles.metric(
        "Training / validation", split,
        help="As a run splits them: what your file says of each row or, if it says nothing, a "
        "share that is put aside, the same in each class.",
    )  # fmt: skip
    tiles.metric(
        "Median words", f"{about.median_words:g}",
        help=f"Of the first text; the longest has {about.max_words:,} words and "
        f"{about.max_characters:,} characters.",
    )  # fmt: skip
    tiles.metric("Repeated texts", f"{about.duplicate_texts:,}", help="Rows whose text, with "
                 "its second text, stood in an earlier row.")  # fmt: skip
    model = chosen_model()
    share, why = unknown_share_of(spec, model, report.columns)
    tiles.metric(
        "Unknown tokens", NOTHING if share is None else f"{share:.1%}",
        help=why or f"Share of the tokens that '{escape_markdown(model)}' does not know and reads "
        "as one and the same. Another model can be chosen under Lengths, tokens.",
    )  # fmt: skip
    tiles.metric("Findings", len({fault.name for fault in report.faults}))
    say_unknown(share, model)


def draw_faults(report: DataReport, file: KeptFile | None) -> None:
    """What is wrong, with row numbers and remedies; what was mended; or that nothing is wrong."""
    st.subheader("What is wrong")
    if file is not None:
        draw_done(file.path, report.cleaned)
    if not report.faults:
        checked = "no empty text or label, no repeated text, no label that looks like a slip"
        if not report.refusal:
            st.success(f"Nothing was found: {checked}, no text in both splits.")
        else:
            st.caption(f"In single rows nothing was found: {checked}.")
        return
    draw_findings(file.path if file else None, report.faults)


def draw_classes(report: DataReport, spec: RunSpec) -> None:
    """How many rows each class has; of a number to predict, how many rows have which."""
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
            f"one would score {frames.majority_share(about.class_counts):.1%}."
        )
        return
    if about.label_mean is None:
        st.caption("No label is a number.")
        return
    if not report.refusal:
        splits = splits_of(spec)
        values = np.concatenate([splits.train["label"], splits.validation["label"]])
        st.altair_chart(
            target_bars(frames.target_histogram(values), str(report.columns.label)), key="target",
            alt=f"How many of {len(values):,} rows have which number as their label",
        )  # fmt: skip
    tiles = st.columns(4)
    for tile, name in zip(tiles, ("mean", "std", "min", "max"), strict=True):
        tile.metric(f"Label, {name}", frames.plain(getattr(about, f"label_{name}")))


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
        verb = "is" if cut == 1 else "are"
        st.markdown(
            f"**{cut:,}** of {len(values):,} rows ({cut / max(len(values), 1):.1%}) {verb} longer "
            f"than {limit} tokens and cut there."
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
    faults = {f"{n}. {fault.name}": fault for n, fault in enumerate(report.faults, start=1)}
    first = tuple(range(1, min(ROWS_SHOWN, report.description.rows) + 1))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader("Rows", width="content")
        chosen = st.selectbox(
            "Show", [FIRST_ROWS, *faults], key=f"show_rows_{spec.data}", width=320,
            label_visibility="collapsed",
        ) if faults else FIRST_ROWS  # fmt: skip
    numbers = faults[chosen].rows[:ROWS_SHOWN] if chosen in faults else first
    if chosen in faults:
        st.text(faults[chosen].text)
    frame = on_screen(data_rows(spec, numbers))
    st.dataframe(
        frame, key="rows", hide_index=True, row_height=32, alt=f"{len(numbers)} rows of the data",
        height="content" if len(frame) <= ROWS_AT_ONCE else 32 * (ROWS_AT_ONCE + 1) + 4,
        column_config={frame.columns[0]: st.column_config.NumberColumn(width=60)},
    )  # fmt: skip
