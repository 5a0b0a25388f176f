"""What the reader chose to see of the methods, and which are picked: all in the address."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.methods.frames import in_order, matching
from app.methods.table import COLUMNS
from app.widgets.ticked_rows import keep_ticks
from finegates.methods.method import FAMILIES
from finegates.models.sources import EMBEDDED_MODEL

PICKED, VERSION = "picked", "picked_version"
MODELS = {
    "MiniLM": EMBEDDED_MODEL, "RoBERTa-base": "roberta-base", "RoBERTa-large": "roberta-large",
}  # fmt: skip
"""Name on the page -> name for `finegates.models.sources.model_sizes`."""
ANY, YES, NO = "any", "yes", "no"
FLAGS = {YES: True, NO: False}
REGISTRY = "As registered"
SORTED = {label: key for key, label in COLUMNS.items()}


@dataclass(frozen=True)
class View:
    """What is to be seen of the registry; see `app.methods.frames.matching`."""

    words: str
    families: Sequence[str]
    merges: bool | None
    removes: bool | None
    sort: str
    descending: bool

    def rows(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows to be seen, in order."""
        flags = {"merges": self.merges, "removes": self.removes}
        found = matching(frame, self.words, self.families, **flags)
        return in_order(found, self.sort, self.descending)


def choose_view(order: DeltaGenerator) -> View:
    """Draws the boxes that filter in the container that is open, those that sort in another."""
    words = st.text_input(
        "Filter", key="about", bind="query-params", type="search", live=True, width=240,
        placeholder="name, summary, source …",
        help="Every word has to occur in name, family, summary or source.",
    )  # fmt: skip
    families = st.multiselect(
        "Family", FAMILIES, key="family", bind="query-params", width=260, placeholder="any",
        help="**full**: all weights are trained.  \n**dense adapter**: something small beside the "
        "weights.  \n**sparse delta**: some entries of the weights.  \n**removes rows and "
        "columns**: the model gets smaller.",
    )  # fmt: skip
    merges = _yes_or_no("Merges", "merging", "Whether it can be folded into the model's matrices.")
    removes = _yes_or_no("Removes", "removing", "Whether the model gets smaller.")
    sort = order.selectbox(
        "Sort by", [REGISTRY, *SORTED], key="sorted_by", bind="query-params", width=170,
        help="Methods without a value stand last. A click on a column's head sorts too, but is "
        "not kept in the address.",
    )  # fmt: skip
    descending = order.toggle("Largest first", key="largest_first", bind="query-params")
    return View(words or "", families, merges, removes, SORTED.get(sort, ""), descending)


def _yes_or_no(label: str, key: str, help: str) -> bool | None:
    chosen = st.segmented_control(
        label, (ANY, YES, NO), default=ANY, key=key, bind="query-params", required=True, help=help
    )
    return FLAGS.get(chosen)


def choose_model() -> str:
    """Whose trained parameters are counted: a key of `MODELS`."""
    chosen = st.segmented_control(
        "Trained parameters of", list(MODELS), default=next(iter(MODELS)), key="counted_for",
        bind="query-params", required=True,
        help="By formula, without the head, with each method's own settings. Scores are MiniLM's.",
    )  # fmt: skip
    return chosen


def choose_task(tasks: Sequence[str]) -> str:
    """Whose scores are shown; empty where nothing has been measured."""
    if not tasks:
        return ""
    chosen = st.segmented_control(
        "Scores on", tasks, default=tasks[0], key="scores_on", bind="query-params", required=True,
        help="Of the published comparison.",
    )  # fmt: skip
    return chosen if chosen in tasks else tasks[0]


def pick_methods(names: Sequence[str]) -> list[str]:
    """The picked methods, by name: rows of the table can't be ticked without a mouse."""
    st.multiselect(
        "Picked", names, key=PICKED, bind="query-params", select_all=False, on_change=_draw_again,
        placeholder="Tick rows below, or type a name", label_visibility="collapsed",
    )  # fmt: skip
    return st.session_state[PICKED]


def _draw_again() -> None:
    """The table keeps its ticks itself, so it is another one once they were changed here."""
    st.session_state[VERSION] = version() + 1


def version() -> int:
    """Goes up whenever methods are picked by name."""
    return st.session_state.get(VERSION, 0)


def rows_ticked(key: str, shown: Sequence[str]) -> None:
    """Callback of the table: its ticks, and those of methods that the filter hides."""
    keep_ticks(key, shown, PICKED)
