"""“Try it” of a language model: dense and pruned go on from the reader's prompt, side by side.

What is written is in the run's folder (`finegates.trying.continuations`): this only looks at it, so
a page that is opened meanwhile shows the same.
"""

from dataclasses import dataclass
from functools import partial

import streamlit as st

from app.prune.actions import why_nothing_can_be_measured
from app.prune.try_it import draw_process
from app.text import escape_markdown
from app.widgets.buttons import change_button, disabled_if_read_only
from app.widgets.ticks import draw_every
from app.words import percent
from finegates.errors import FineGatesError
from finegates.gates.cuts import Cut
from finegates.runs.folder import Run
from finegates.spec import INSTRUCTIONS_TASK, MAX_SEED
from finegates.trying import client as try_client
from finegates.trying import writing_client
from finegates.trying.client import FAILED, LOADING, READY, TryState
from finegates.trying.continuations import (
    ENDED,
    FULL,
    HIGHEST_TEMPERATURE,
    LENGTH,
    MOST_NEW_TOKENS,
    MOST_PROMPT_CHARACTERS,
    STOPPED,
    Continuation,
    Prompt,
    Writing,
)

TICK_S = 0.4
HELP = (
    "Both models go on from your prompt in a process of their own, on the CPU; they take turns, "
    "token by token. **Dense** is this run's model with every gate open (those that training had "
    "closed are just above closing), **pruned** the smaller model at the cut that is chosen above."
)
WORDS = {
    INSTRUCTIONS_TASK: ("What you ask", "It is written as in training, by the chat template of the "
                        "model's tokenizer if it has one."),
}  # fmt: skip
MAKING = "The smaller model is being made, and the prompt read."
OVER = {
    ENDED: "the model ended its text",
    LENGTH: "as long as asked for",
    FULL: "the model's context is full",
    STOPPED: "stopped",
}
_TEXT, _NEW, _HEAT, _SEED = "try_prompt", "try_new_tokens", "try_temperature", "try_seed"
_LAST = "_try_written"


@dataclass(frozen=True)
class Now:
    """Where the run's writing stands.

    Attributes:
        state: The process.
        waiting: A prompt of which nothing is written yet.
        writing: What was written last.
    """

    state: TryState
    waiting: Prompt | None
    writing: Writing | None

    @property
    def is_writing(self) -> bool:
        """Whether more tokens are to come of what is shown."""
        at_work = self.state.state == READY and self.waiting is None
        return at_work and self.writing is not None and not self.writing.done

    @property
    def is_busy(self) -> bool:
        """Whether something is to come."""
        waits = self.waiting is not None and self.state.state in (LOADING, READY)
        return waits or self.is_writing


def draw_writing(run: Run, cut: Cut) -> None:
    """A box for the prompt, and what both models write; nothing where no model can be had."""
    if why_nothing_can_be_measured(run):
        return
    with st.container(border=True):
        st.markdown("**Try it on a prompt of your own**", help=HELP)
        now = _now(run)
        _draw_form(run, cut, now)
        busy = now.is_busy
        every_s = TICK_S if busy else 0
        draw_every(f"write-{run.id}", every_s, partial(_draw_written, run, cut, busy))


def _now(run: Run) -> Now:
    """What is asked first is what comes first, so that nothing falls between two looks."""
    state, waiting = try_client.look(run), writing_client.waiting(run)
    kept = st.session_state.setdefault(_LAST, {})
    if (writing := writing_client.written(run)) is not None:
        kept[run.id] = writing
    return Now(state, waiting, kept.get(run.id))


def _draw_form(run: Run, cut: Cut, now: Now) -> None:
    _fill_boxes(now)
    label, help = WORDS.get(run.spec.task, ("How a text begins", "It is read as it is."))
    with st.form("try_writing", border=False):
        st.text_area(label, key=_TEXT, max_chars=MOST_PROMPT_CHARACTERS, height=110, help=help)
        new, heat, seed, go = st.columns([1, 1, 1, 1.4], vertical_alignment="bottom")
        new.number_input("New tokens, at most", 1, MOST_NEW_TOKENS, key=_NEW)
        heat.number_input(
            "Temperature", 0.0, HIGHEST_TEMPERATURE, step=0.1, key=_HEAT,
            help="At 0 the likeliest token is taken each time. Above it tokens are drawn, the "
            "higher the more freely.",
        )  # fmt: skip
        seed.number_input("Seed", 0, MAX_SEED, key=_SEED,
                          help="Of the draws; both models have the same.")  # fmt: skip
        look = disabled_if_read_only(icon=":material/edit_note:", type="primary", width="stretch")
        asked = go.form_submit_button("Continue with both", **look)
    if asked:
        _begin(run, cut)


def _fill_boxes(now: Now) -> None:
    """A page that is opened anew has what was asked last."""
    last = now.waiting or (now.writing.prompt if now.writing else None)
    start = {_TEXT: last.text, _NEW: last.new_tokens, _HEAT: float(last.temperature),
             _SEED: last.seed} if last else {_TEXT: "", _NEW: 64, _HEAT: 0.0, _SEED: 0}  # fmt: skip
    for key, value in start.items():
        st.session_state.setdefault(key, value)


def _begin(run: Run, cut: Cut) -> None:
    text, new, heat, seed = (st.session_state[key] for key in (_TEXT, _NEW, _HEAT, _SEED))
    try:
        writing_client.begin(run, Prompt(text, cut, new, heat, seed))
    except FineGatesError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")
    else:
        st.rerun()


def _draw_written(run: Run, cut: Cut, was_busy: bool) -> None:
    """State and texts; ticks while anything is to come."""
    now = _now(run)
    if was_busy and not now.is_busy:
        st.rerun()
    if now.waiting and now.state.state == FAILED:
        st.error(escape_markdown(now.state.reason), icon=":material/error:")
    elif now.is_busy and not now.is_writing:
        _draw_waiting(run, now.state)
    elif now.writing:
        if now.is_writing:
            _draw_stop(run, "Both write, in turns." if now.writing.prompt_tokens else MAKING)
        if now.writing.prompt_tokens or now.writing.done:
            _draw_texts(now.writing)
        if notes := _notes(now.writing, now.is_busy, cut):
            st.caption(" ".join(notes))
    is_idle = now.state.state == READY and not now.is_busy
    if is_idle and draw_process(run, now.state, is_busy=False, label="Unload"):
        st.rerun()


def _draw_waiting(run: Run, state: TryState) -> None:
    if state.state == READY:
        st.markdown(f":material/hourglass_top: {MAKING}")
    elif draw_process(run, state, is_busy=True):
        writing_client.stop_writing(run)
        st.rerun()


def _draw_stop(run: Run, doing: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/edit_note: {doing}", width="stretch")
        change_button("Stop", icon=":material/stop:", key="try_stop_writing",
                      on_click=writing_client.stop_writing, args=(run,),
                      help="Ends both at the next token.")  # fmt: skip


def _draw_texts(writing: Writing) -> None:
    if writing.error:
        st.error(escape_markdown(writing.error), icon=":material/error:")
        return
    faster = _faster(writing)
    removed = percent(writing.removed_weights_fraction)
    sides = (("Dense", "nothing removed", writing.dense, ""),
             ("Pruned", f"{removed} of the weights removed", writing.pruned, faster))  # fmt: skip
    for column, (name, what, side, more) in zip(st.columns(2, border=True), sides, strict=True):
        with column:
            st.markdown(f"**{name}**, {what}")
            st.text(side.text.strip() or ("(no text)" if side.over else "…"))
            st.caption(_facts(side) + more)
    if writing.agreement is not None:
        st.markdown(
            f"**{percent(writing.agreement)} the same next token**: at {writing.same:,} of "
            f"{writing.compared:,} positions of the dense continuation the likeliest token of both "
            "models is the same."
        )


def _facts(side: Continuation) -> str:
    """For example ``"12 tokens, 81.3 tokens per second, stopped"``."""
    words = [f"{side.tokens:,} token{'' if side.tokens == 1 else 's'}"]
    if speed := side.tokens_per_s:
        words.append(f"{speed:,.1f} tokens per second")
    if side.over:
        words.append(OVER[side.over])
    return ", ".join(words)


def _faster(writing: Writing) -> str:
    dense, pruned = writing.dense.tokens_per_s, writing.pruned.tokens_per_s
    return f"; {pruned / dense:.2f} times as fast" if writing.done and dense and pruned else ""


def _notes(writing: Writing, is_busy: bool, cut: Cut) -> list[str]:
    prompt, notes = writing.prompt, []
    if writing.prompt_tokens:
        read_ms = (1e3 * side.prompt_s for side in (writing.dense, writing.pruned))
        read = " and ".join(f"{each:,.0f}" for each in read_ms)
        notes.append(f"The prompt has {writing.prompt_tokens:,} tokens, read in {read} ms; speeds "
                     "are of the tokens written after it.")  # fmt: skip
    if prompt.temperature:
        notes.append(f"Drawn at temperature {prompt.temperature:g} with seed {prompt.seed}.")
    if prompt.cut != cut:
        notes.append(f"The texts are of another cut ({prompt.cut.words}); continue again for this.")
    if not writing.done and not is_busy:
        notes.append("The process ended before it was done.")
    return notes
