"""What the reader chose to see of the runs: filter, columns, order. All of it is in the address."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app.rows import Row, gates_first
from app.run_table.columns import COLUMNS, LABELS, SHOWN, in_order
from app.run_table.table import matching

FILTERS = {
    "status": ("State", "in_state"), "data_name": ("Data set", "in_data"),
    "method": ("Recipe", "in_recipe"), "tags": ("Tag", "in_tag"),
}  # fmt: skip
"""Key of a row -> what the box that filters by it is called, on the page and in the address."""

OWN_COLUMNS = ("tags", "notes")
DEFAULT_COLUMNS = [c.label for key, c in COLUMNS.items() if key in (*SHOWN, *OWN_COLUMNS)]
GATES_FIRST = "Gates first"


@dataclass(frozen=True)
class View:
    """What is to be seen.

    Attributes:
        words: Of the text filter.
        chosen: Key of a row -> values it may have; none allows any.
        columns: Keys of `app.run_table.columns.COLUMNS`, in their order.
        sort: Key of the column that the rows are sorted by; empty for `app.rows.gates_first`.
        descending: The largest first.
    """

    words: str
    chosen: dict[str, list[Any]]
    columns: list[str]
    sort: str
    descending: bool

    def rows(self, rows: Iterable[Row]) -> list[Row]:
        """The rows to be seen, in order."""
        found = matching(rows, self.words, self.chosen)
        if self.sort:
            return in_order(found, self.sort, self.descending)
        return gates_first(found) if self.descending else gates_first(found)[::-1]


def choose_view(rows: list[Row]) -> View:
    """Draws the boxes, side by side."""
    words = st.text_input(
        "Filter", key="filter", bind="query-params", type="search", live=True, width=300,
        placeholder="Filter: name, data, recipe, tag, notes …", label_visibility="collapsed",
        help="Every word has to occur: in name, id, data set, recipe, model, state, notes or tags.",
    )  # fmt: skip
    with st.popover(_filter_label(), icon=":material/filter_alt:", key="filters"):
        chosen = {key: _choose_values(key, *names, rows) for key, names in FILTERS.items()}
    with st.popover("Columns and order", icon=":material/view_column:", key="columns_and_order"):
        columns = _choose_columns(rows)
        sort, descending = _choose_order()
    return View(words or "", chosen, columns, sort, descending)


def all_tags(rows: Iterable[Row]) -> list[str]:
    """Every tag that a run has, in alphabetical order."""
    return sorted({tag for row in rows for tag in row["tags"]})


def _filter_label() -> str:
    """Says how many boxes are in use, since they are behind a click."""
    names = [name for _, name in FILTERS.values()]
    used = sum(bool(st.session_state.get(n, st.query_params.get_all(n))) for n in names)
    return f"Filter ({used} on)" if used else "Filter"


def _choose_values(key: str, label: str, name: str, rows: list[Row]) -> list[str]:
    found = all_tags(rows) if key == "tags" else sorted({row[key] for row in rows if row[key]})
    kept = [v for v in st.session_state.get(name, ()) if v not in found]
    return st.multiselect(
        label, [*found, *kept], key=name, bind="query-params", placeholder="any",
        help="Runs with one of these. Boxes that are empty allow any.", width=320,
    )  # fmt: skip


def _choose_columns(rows: list[Row]) -> list[str]:
    used = {
        key
        for key in OWN_COLUMNS
        if any(row[key] or (key == "notes" and row["notes_problem"]) for row in rows)
    }
    labels = st.multiselect(
        "Columns", list(LABELS), DEFAULT_COLUMNS, key="columns", bind="query-params", width=420,
        help="Their order is always the same. None at all shows the usual ones, of which Tags and "
        "Notes are left out as long as no run has any.",
    )  # fmt: skip
    chosen = labels or DEFAULT_COLUMNS
    keys = [LABELS[label] for label in LABELS if label in chosen]
    return [key for key in keys if chosen != DEFAULT_COLUMNS or key not in {*OWN_COLUMNS} - used]


def _choose_order() -> tuple[str, bool]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label = st.selectbox(
            "Sort by", [GATES_FIRST, *LABELS], key="sort", bind="query-params", width=200,
            help=f"**{GATES_FIRST}**: runs at work, runs with learned gates, then baselines; the "
            "newest first.  \nRuns without a value stand last. A click on a column's head sorts "
            "too, but is not kept in the address.",
        )  # fmt: skip
        descending = st.toggle(
            "Largest first", value=True, key="descending", bind="query-params",
            help="Of times: the newest first.",
        )  # fmt: skip
    return LABELS.get(label, ""), descending
