"""How much of the texts a model's tokenizer does not know, said where nothing can be learned."""

import contextlib
from dataclasses import replace

import streamlit as st

from app.reading.data import unknown_in, unknown_tokens
from app.text import escape_markdown
from finegates.data.columns import Columns
from finegates.data.splits import TextSplits
from finegates.errors import FineGatesError
from finegates.spec import RunSpec

ROWS = 2_000
"""Of which the share is counted, drawn at random: a tenth of a second's work."""
MUCH = 0.1
"""A model learns little from texts of which it does not know so many tokens."""


def unknown_share_of(spec: RunSpec, model: str, columns: Columns) -> tuple[float | None, str]:
    """Share of the tokens of a spec's data that a model does not know, or why it isn't counted."""
    if not model:
        return None, "No model is named; name one under Lengths, tokens."
    try:
        return unknown_tokens(replace(spec, model=model), columns, ROWS), ""
    except FineGatesError as error:
        return None, escape_markdown(str(error))


def warn_of_unknown(splits: TextSplits | None, model: str) -> None:
    """As `say_unknown`, of the rows of a run; nothing where they or the model are not here."""
    if splits is not None and model:
        with contextlib.suppress(FineGatesError):
            say_unknown(unknown_in(splits, model, ROWS), model)


def say_unknown(share: float | None, model: str) -> None:
    """A warning if it is much."""
    if share is not None and share >= MUCH:
        st.warning(
            escape_markdown(
                f"The model '{model}' does not know {share:.0%} of the tokens of these texts: to "
                "it, rows that differ there are the same. Choose a model that was trained on this "
                "language or script."
            ),
            icon=":material/translate:",
        )
