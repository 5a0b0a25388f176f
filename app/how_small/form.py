"""What a search is asked: data, model, and how much may be lost."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from app import words
from app.new.compress import choose_start, compresses
from app.new.cost import size_of
from app.new.data import Choice, choose_data
from app.new.fields import chosen, setting_input
from app.new.model import choose_device, choose_model
from app.reading.machine import estimated_cost
from app.text import escape_markdown
from app.widgets.buttons import change_button
from app.widgets.plain_code import plain_code
from finegates.errors import FineGatesError
from finegates.fitting.drive import start_driver
from finegates.fitting.file import MOST_TRAININGS, create_fit, new_name
from finegates.jobs.compress import compression
from finegates.methods import WARM_METHOD
from finegates.runs.provenance import flags_of
from finegates.spec import FIELDS, RunSpec, make_spec

SETTINGS = ("batch_size", "max_train_samples")
USUAL_REMOVAL = 0.4
"""What the estimate is of."""
DEFAULT_POINTS = 1.0
USUAL_TRAININGS = (4, 8)
"""How many trainings a search takes, the reference among them."""


def ask(folder: Path) -> str | None:
    """Draws the form.

    Returns:
        The name of the search that was started just now; None otherwise.
    """
    form, summary = st.columns([5, 3], gap="medium")
    with form:
        with st.container(border=True):
            st.subheader("1 · Data")
            data = choose_data(folder)
        with st.container(border=True):
            st.subheader("2 · Model")
            given = _model()
        with st.container(border=True):
            st.subheader("3 · How much may be lost")
            points, most = _tolerance()
        with st.container(border=True):
            st.subheader("4 · Each training")
            grid = st.grid(3, min_column_width=150, vertical_alignment="bottom")
            epochs = grid.number_input(
                "Epochs", 1, None, value=None, placeholder="the recipe's own", key="small_epochs",
                persist_state="session", help="Of every training. Left empty, the reference has "
                "five, and a smaller model one and another for each 20 points that it removes.",
            )  # fmt: skip
            for name in SETTINGS:
                setting_input(name, WARM_METHOD, grid)
            device = choose_device(grid)
    settings = {**data.settings, **given, "device": device, "epochs": epochs}
    settings = {k: v for k, v in settings.items() if v not in (None, FIELDS[k].default)}
    settings |= chosen(WARM_METHOD, list(SETTINGS))
    with summary, st.container(border=True):
        st.subheader("Cost")
        problem = data.error or ("" if given else "Name a model first.")
        return _start(folder, data, settings, _Question(points / 100, int(most)), problem)


@dataclass(frozen=True)
class _Question:
    """How much may be lost, as a fraction of the score, and how many gated trainings at most."""

    max_drop: float
    most_trainings: int


def _model() -> dict[str, Any]:
    """Settings that name the model; empty while none is named."""
    if compresses():
        return choose_start()
    model = choose_model()
    return {"model": model} if model else {}


def _tolerance() -> tuple[float, int]:
    left, right = st.columns(2, vertical_alignment="bottom")
    points = left.number_input(
        "Points that may be lost", 0.0, 99.0, value=DEFAULT_POINTS, step=0.5, key="small_points",
        persist_state="session", format="%g",
        help="Of the score in percent, against the dense reference: 1 allows 84 where it has 85.",
    )  # fmt: skip
    most = right.number_input(
        "Trainings, at most", 1, 99, value=MOST_TRAININGS, key="small_most",
        persist_state="session", help="Of models with gates; the reference is one more.",
    )  # fmt: skip
    return points, most


def _start(
    folder: Path, data: Choice, settings: dict[str, Any], question: _Question, problem: str
) -> str | None:
    """The cost, the command line and the button."""
    if not problem:
        try:
            start = settings.get("start_from", "the reference")
            rows = len(data.splits.train) if data.splits else None
            spec = compression(start, USUAL_REMOVAL, settings, rows)
        except FineGatesError as error:
            st.error(escape_markdown(str(error)), icon=":material/error:")
            problem = "A setting is not allowed."
        else:
            _draw_cost(spec, data, folder)
    if problem:
        st.caption(problem)
    asked = {"max_drop": f"{100 * question.max_drop:g}"}
    if question.most_trainings != MOST_TRAININGS:
        asked["most_trainings"] = str(question.most_trainings)
    command = shlex.join(["python", "-m", "finegates", "fit", *flags_of({**asked, **settings})])
    st.markdown("**The same from a terminal**")
    plain_code(command, "command")
    pressed = change_button(
        "Find it", type="primary", icon=":material/search:", key="find", disabled=bool(problem),
        help=problem or "Searches in the background; closing this page does not stop it.",
    )  # fmt: skip
    return _begin(folder, settings, question) if pressed and not problem else None


def _draw_cost(spec: RunSpec, data: Choice, folder: Path) -> None:
    cost = estimated_cost(spec, *size_of(data.splits), folder) if data.splits else None
    if cost is None:
        st.caption("The cost is known once the data has been read.")
        return
    few, many = (words.duration(number * cost.seconds) for number in USUAL_TRAININGS)
    st.metric(
        "Time", f"{few} to {many}",
        help=f"{USUAL_TRAININGS[0]} to {USUAL_TRAININGS[1]} trainings of "
        f"{words.duration(cost.seconds)} each. {cost.basis}",
    )  # fmt: skip
    st.metric("Memory", words.size(cost.memory_bytes), help=cost.basis)
    rows = len(data.splits.validation) if data.splits else 0
    st.caption(
        f"Half of the {rows:,} validation rows decide which training comes next, the other half "
        "says what the answer is worth."
    )


def _begin(folder: Path, settings: dict[str, Any], question: _Question) -> str | None:
    name = new_name(make_spec(settings).task)
    try:
        with st.spinner("Starting …"):
            create_fit(
                folder, name, question.max_drop, settings, most_trainings=question.most_trainings
            )
            start_driver(folder, name)
    except FineGatesError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")
        return None
    return name
