"""What can be done with a cut: score, time, save. Each runs in a process of its own."""

from collections.abc import Callable
from typing import Literal

import streamlit as st

from app import places
from app.prune.cut import chosen_cut
from app.prune.timing import asked_flags, draw_timing_fields, newest_timing, same_flags
from app.prune.work import at_work, is_done, start
from app.reading.one_run import has_weights, row_of
from app.text import escape_markdown
from app.widgets.buttons import change_button
from app.widgets.task_bar import CURVE, SAVE, SCORE, TIME
from finegates.exporting.package import CODE_FILE, FORMAT_FILES, FORMAT_TITLES
from finegates.gates.cuts import CURVE_POINTS, Cut
from finegates.runs.folder import Run
from finegates.runs.measurements import AtCut
from finegates.runs.saved_models import saved_folder

FORMATS, STANDALONE = "formats", "standalone"
REPEATS = 10
_MENU = "menu-"


def why_nothing_can_be_measured(run: Run) -> str:
    """In words; empty if the run has all that it takes."""
    state = row_of(run)["status"]
    if state != "finished":
        return f"This run is {state}; scoring, timing and saving wait until it has finished."
    if not has_weights(run):
        return (
            "This run carries its gates, but not its trained weights, so it can be looked at and "
            "not be scored, timed or saved. Train it again to have them."
        )
    return ""


def draw_why_not(run: Run, reason: str) -> None:
    """Why there are no buttons, and where to go instead."""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/inventory_2: {reason}", width="stretch")
        if row_of(run)["status"] == "finished":
            st.page_link(places.NEW_RUN, label="New run", icon=":material/add:")
        else:
            st.page_link(places.LIVE, label="Live", icon=":material/monitoring:",
                         query_params={"run": run.id})  # fmt: skip


def draw_actions(run: Run, known: AtCut, begun: bool = False) -> None:
    """The buttons; what runs already, or is known already, is not offered again.

    Args:
        run: A finished run.
        known: What is known of the cut that is looked at.
        begun: Whether a curve was begun and is not complete.
    """
    busy = at_work(run)
    with st.container(horizontal=True):
        label, is_known = _score_label(known)
        _button(run, label, "grading", SCORE, _score, is_known or SCORE in busy)
        done = is_done(run, CURVE)
        word = "Scored" if done else "Go on with" if begun else "Score"
        label = f"{word} {CURVE_POINTS} cuts"
        _button(run, label, "show_chart", CURVE, _curve, done or CURVE in busy)
        with _menu("Time it", "timer", TIME):
            _draw_timing(run, known, TIME in busy)
        with _menu("Save the smaller model", "save", SAVE):
            _draw_saving(run, SAVE in busy)


def draw_unsteady(run: Run, known: AtCut) -> None:
    """Says of a timing that another program has spoilt it, and offers to repeat it."""
    timing = newest_timing(run, known)
    if timing is None or not timing.get("busy") or TIME in at_work(run):
        return
    said, again = st.columns([6, 1], vertical_alignment="center")
    said.warning(escape_markdown(timing["busy_why"]), icon=":material/warning:")
    with again:
        change_button(
            "Time again", icon=":material/replay:", key=f"retime-{run.id}", width="stretch",
            on_click=_start_timing, args=(run, same_flags(timing)),
        )  # fmt: skip


def _score_label(known: AtCut) -> tuple[str, bool]:
    """What scoring would add, and whether all of it is known; of the run's own cut the score is."""
    if known.point is None:
        return "Score this cut", False
    complete = known.dense is not None and "params" in known.point
    return ("Scored", True) if complete else ("Compare with dense", False)


def _menu(label: str, icon: str, name: str) -> st.delta_generator.DeltaGenerator:
    """A popover that the callback of its button closes."""
    kind: Literal["primary", "secondary"] = "primary" if name == SAVE else "secondary"
    return st.popover(
        label, icon=f":material/{icon}:", key=f"{_MENU}{name}", on_change="rerun", type=kind
    )


def _button(
    run: Run, label: str, icon: str, name: str, act: Callable[[Run], None], disabled: bool
) -> None:
    """A callback acts on the run that the page showed at the click, whatever it shows next."""
    kind = "primary" if name in (TIME, SAVE) else "secondary"
    change_button(label, icon=f":material/{icon}:", key=f"do-{name}-{run.id}", on_click=act,
                  args=(run,), disabled=disabled, type=kind)  # fmt: skip


def _draw_timing(run: Run, known: AtCut, busy: bool) -> None:
    draw_timing_fields(run)
    label = "Time again" if newest_timing(run, known) else "Start"
    _button(run, label, "timer", TIME, _time, busy)


def _draw_saving(run: Run, busy: bool) -> None:
    kind = "CausalLM" if run.spec.is_language else "SequenceClassification"
    st.caption(f"A folder that `AutoModelFor{kind}` loads after `import finegates.auto`, with "
               "tokenizer and model card. Score and times that are known are taken over; only what "
               "is missing is measured.")  # fmt: skip
    st.pills("Other formats", FORMAT_FILES, key=FORMATS, selection_mode="multi",
             format_func=FORMAT_TITLES.__getitem__,
             help=f"{', '.join(FORMAT_FILES.values())}: they run without finegates, for any batch "
             "and length. Each takes up to a minute to write.")  # fmt: skip
    st.toggle("Loads without finegates", key=STANDALONE,
              help=f"{CODE_FILE}, too: transformers alone loads the folder, with "
                   "trust_remote_code=True.")  # fmt: skip
    saved = saved_folder(run, chosen_cut(run)).is_dir()
    _button(run, "Saved, see below" if saved else "Save", "save", SAVE, _save, busy or saved)


def _score(run: Run) -> None:
    start(run, SCORE, ["prune", run.id, _flag(chosen_cut(run))])


def _curve(run: Run) -> None:
    start(run, CURVE, ["evaluate", run.id, "--curve"])


def _time(run: Run) -> None:
    _start_timing(run, asked_flags(run))


def _start_timing(run: Run, flags: list[str]) -> None:
    st.session_state[f"{_MENU}{TIME}"] = False
    start(run, TIME, ["bench", run.id, _flag(chosen_cut(run)), *flags, f"--repeats={REPEATS}"])


def _save(run: Run) -> None:
    st.session_state[f"{_MENU}{SAVE}"] = False
    cut = chosen_cut(run)
    flags = [_flag(cut), f"--out={saved_folder(run, cut)}"]
    also = [*st.session_state[FORMATS], *([STANDALONE] if st.session_state[STANDALONE] else [])]
    start(run, SAVE, ["export", run.id, *flags, *(f"--{name}" for name in also)])


def _flag(cut: Cut) -> str:
    name, value = cut.asked
    return f"--{name}={value}"
