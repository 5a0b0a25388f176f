"""New run's other door: a model that is fine-tuned already is made smaller."""

from pathlib import Path
from typing import Any

import streamlit as st

from app.new import keys
from app.new.fields import help_of, label_of
from app.new.model import choose_device
from finegates.jobs.compress import compression
from finegates.jobs.start import with_model_of_start
from finegates.methods import METHODS, WARM_METHOD
from finegates.settings import words_of
from finegates.spec import FIELDS, RunSpec

PRETRAINED, FINE_TUNED = "Train from a pretrained model", "Compress my fine-tuned model"
_FIRST_TARGET = 0.4


def compresses() -> bool:
    """Draws the two doors; whether the second is chosen."""
    st.session_state.setdefault(keys.DOOR, PRETRAINED)
    door = st.segmented_control(
        "What do you have?", [PRETRAINED, FINE_TUNED], key=keys.DOOR, required=True,
        persist_state="session", label_visibility="collapsed",
    )  # fmt: skip
    return door == FINE_TUNED


def choose_start() -> dict[str, Any]:
    """Asks for the model: a folder, or the id of a dense run.

    Returns:
        ``start_from`` and, where it was said, ``start_labels``; empty while no model is named.
    """
    start = st.text_input(
        "Fine-tuned model", key=keys.START, help=help_of("start_from"), persist_state="session",
        placeholder="/path/of/save_pretrained, or the id of a dense run",
    ).strip()  # fmt: skip
    st.caption(
        "Its head stays; its outputs are matched with your labels by name. It is scored as it is "
        "first, and that score stays on the charts."
    )
    labels = st.text_input(
        label_of("start_labels"), key=keys.START_LABELS, help=help_of("start_labels"),
        persist_state="session", placeholder="only if names don't tell: no, yes",
    )  # fmt: skip
    if not start:
        return {}
    return {"start_from": start, **({"start_labels": words} if (words := words_of(labels)) else {})}


def choose_removal() -> float:
    """Asks how much is removed."""
    meta = FIELDS["target_sparsity"].metadata
    st.session_state.setdefault(keys.REMOVE, _FIRST_TARGET)
    remove = st.slider(
        "Remove", 0.05, meta["maximum"], step=0.05, key=keys.REMOVE, format="percent",
        help=f"The {METHODS[WARM_METHOD].target_meaning}.", persist_state="session",
    )  # fmt: skip
    st.caption(
        f"{WARM_METHOD}: all weights are trained on while gates close and the model imitates what "
        "it was. It needs the memory of full fine-tuning, about four times the model."
    )
    return float(remove)


def choose_training() -> dict[str, Any]:
    """Asks for what is left to choose; epochs and rates are the recipe's."""
    grid = st.grid(2, min_column_width=150, vertical_alignment="bottom")
    seed = grid.number_input(
        "Seed", 0, FIELDS["seed"].metadata["maximum"], key=keys.COMPRESS_SEED,
        help=help_of("seed"), persist_state="session",
    )  # fmt: skip
    return {"seed": int(seed), "device": choose_device(grid)}


def compress_spec(
    start: dict[str, Any],
    remove: float,
    given: dict[str, Any],
    num_train: int | None,
    folder: Path,
) -> RunSpec:
    """The run that was asked for, with the model that its start implies.

    Raises:
        FineGatesError: If a setting is not allowed, or there is no such model or run.
    """
    settings = {**given, **{k: v for k, v in start.items() if k != "start_from"}}
    spec = compression(start["start_from"], remove, settings, num_train)
    return with_model_of_start(spec, folder)
