"""“Try it” on the Prune page: a run's model, dense and pruned, on the reader's own text.

The models are in a process of their own (`finegates.trying.server`), which stays warm for a while.
"""

import time
from dataclasses import dataclass
from functools import partial

import streamlit as st

from app.charts.predictions import prediction_bars, shown_classes
from app.charts.style import GRAY, ORANGE
from app.prune.actions import why_nothing_can_be_measured
from app.text import escape_markdown
from app.widgets.buttons import change_button, disabled_if_read_only
from app.widgets.ticks import draw_every
from app.words import duration, percent
from finegates.errors import FineGatesError
from finegates.gates.cuts import Cut
from finegates.runs.folder import Run
from finegates.trying import client as try_client
from finegates.trying.messages import IDLE_S, MOST_CHARACTERS, Opinion, Question, Reply, text_counts

TICK_S = 1.0
HELP = (
    "Both models read your text in a process of their own, on the CPU. **Dense** is this run's "
    "model with every gate open (those that training had closed are just above closing), "
    "**pruned** the smaller model at the cut that is chosen above."
)
_ASKED, _OUTCOME = "_try_asked", "_try_outcome"


@dataclass(frozen=True)
class Outcome:
    """What came of a question: a reply, or an error in words."""

    question: Question
    reply: Reply | None = None
    error: str = ""


def draw_try(run: Run, cut: Cut) -> None:
    """Boxes for the text, and what both models say of it; nothing where no model can be had."""
    if why_nothing_can_be_measured(run):
        return
    with st.container(border=True):
        st.markdown("**Try it on a text of your own**", help=HELP)
        _draw_boxes(run, cut)
        waits = _asked(run) is not None
        draw_every(f"try-{run.id}", TICK_S if waits else 0, partial(_draw_answers, run, cut))


def _draw_boxes(run: Run, cut: Cut) -> None:
    counts = text_counts(run.spec)
    with st.form("try", border=False):
        columns = st.columns(max(counts))
        texts = [
            column.text_area(
                "Text" if max(counts) == 1 else f"Text {number}", max_chars=MOST_CHARACTERS,
                key=f"try_text_{number}", height=90,
                placeholder="optional" if number > min(counts) else "Write or paste a sentence.",
            )
            for number, column in enumerate(columns, start=1)
        ]  # fmt: skip
        look = disabled_if_read_only(icon=":material/balance:", type="primary")
        if not st.form_submit_button("Ask both models", **look):
            return
    given = texts if texts[-1].strip() else texts[: min(counts)]
    try:
        _remember(_ASKED, run, Question(tuple(given), cut))
        _remember(_OUTCOME, run, None)
        try_client.start(run)
    except FineGatesError as error:
        _remember(_ASKED, run, None)
        st.error(escape_markdown(str(error)), icon=":material/error:")
    else:
        st.rerun()


def _draw_answers(run: Run, cut: Cut) -> None:
    """State and answers; ticks while a question waits for its model."""
    state, question = try_client.look(run), _asked(run)
    if question is not None:
        _go_on(run, question, state)
    outcome = st.session_state.get(_OUTCOME, {}).get(run.id)
    if outcome is not None and outcome.error:
        st.error(escape_markdown(outcome.error), icon=":material/error:")
    elif outcome is not None:
        _draw_outcome(outcome, cut)
    if state.state in (try_client.LOADING, try_client.READY) and draw_process(
        run, state, is_busy=question is not None
    ):
        _remember(_ASKED, run, None)
        st.rerun()


def _go_on(run: Run, question: Question, state: try_client.TryState) -> None:
    """Asks as soon as the model is there; without one, says why."""
    if state.state == try_client.LOADING:
        return
    try:
        with st.spinner("Both models read it …"):
            outcome = Outcome(question, try_client.ask(run, question))
    except FineGatesError as error:
        outcome = Outcome(question, error=str(error))
    _remember(_OUTCOME, run, outcome)
    _remember(_ASKED, run, None)
    st.rerun()


def _draw_outcome(outcome: Outcome, cut: Cut) -> None:
    reply, question = outcome.reply, outcome.question
    assert reply is not None
    with st.container(horizontal=True):
        removed = percent(reply.removed_weights_fraction)
        sides = (("Dense", "nothing removed", reply.dense, GRAY),
                 ("Pruned", f"{removed} of the weights removed", reply.pruned, ORANGE))  # fmt: skip
        for name, what, prediction, color in sides:
            with st.container(border=True, width="stretch"):
                st.markdown(f"**{name}**, {what}")
                _draw_prediction(reply, prediction, color, name)
    st.text(_verdict(reply))
    notes = []
    if reply.read_tokens < reply.tokens:
        notes.append(f"Read were the first {reply.read_tokens} of {reply.tokens} tokens, as in "
                     "training.")  # fmt: skip
    if question.cut != cut:
        notes.append(f"The answer is of another cut ({question.cut.words}); ask again for this.")
    if notes:
        st.caption(" ".join(notes))


def _draw_prediction(reply: Reply, prediction: Opinion, color: str, name: str) -> None:
    if not reply.labels:
        st.metric(
            "Answer", f"{prediction.values[0]:.3f}", help="On the scale of the training labels."
        )
        return
    shown = shown_classes(reply.dense.values, reply.pruned.values)
    chart = prediction_bars(reply.labels, prediction.values, shown, color)
    said = reply.labels[prediction.choice]
    st.altair_chart(chart, key=f"prediction-{name}", alt=f"{name} model says {said}")


def _verdict(reply: Reply) -> str:
    """Whether they agree. Labels are the data's words, so this is shown as escape_markdown text."""
    if not reply.labels:
        return f"They differ by {abs(reply.dense.values[0] - reply.pruned.values[0]):.3f}."
    dense, pruned = (reply.labels[side.choice] for side in (reply.dense, reply.pruned))
    if reply.agree:
        return f"✓ Both say {dense}."
    return f"✗ They disagree: dense says {dense}, pruned says {pruned}."


def draw_process(run: Run, state: try_client.TryState, is_busy: bool, label: str = "Stop") -> bool:
    """The process that has the models, loading or ready, and a button that ends it.

    Returns:
        Whether it was ended just now.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        if state.state == try_client.LOADING:
            since = duration(time.time() - state.started)
            st.markdown(f":material/hourglass_top: The model is being loaded, about 10 s ({since} "
                        "so far).", width="stretch")  # fmt: skip
        elif not is_busy:
            minutes = IDLE_S / 60
            st.caption(f"The model stays loaded until nobody has asked for {minutes:.0f} minutes.",
                       width="stretch")  # fmt: skip
        ended = change_button(label, icon=":material/stop:", key="try_stop",
                              help="Frees its memory.")  # fmt: skip
        if ended:
            try_client.stop(run)
        return ended


def _asked(run: Run) -> Question | None:
    return st.session_state.get(_ASKED, {}).get(run.id)


def _remember(name: str, run: Run, value: object) -> None:
    st.session_state.setdefault(name, {})[run.id] = value
