"""What is wrong with a kept file's rows, each with its remedy as a button, and what was done."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from app.new import keys
from finegates.data.findings import Finding
from finegates.data.remedies import REMEDIES

MOST_KINDS = 8
"""Kinds of finding that are shown one below the other."""
ROWS_NAMED = 8
WIDTHS, SHORT_WIDTHS = (1, 7, 4), (1.5, 5, 4.5)
"""Of a finding's line: how many rows, what it is, what can be done."""


def cleaning_of(path: Path) -> tuple[str, ...]:
    """The remedies that were chosen for a kept file, in the order in which they act."""
    chosen = st.session_state.get(keys.of_file("cleaning", path.name)) or ()
    return tuple(name for name in REMEDIES if name in chosen)


def draw_done(path: Path, done: Sequence[str] = ()) -> None:
    """What is done to a kept file's rows before a run, with a way back for each remedy.

    Args:
        path: The file.
        done: Sentences about it, if they are not shown elsewhere.
    """
    chosen = cleaning_of(path)
    if not chosen and not done:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if done:
            st.badge("done first", icon=":material/check:", color="green")
            st.text(" ".join(done), width="stretch")
        for name in chosen:
            st.button(
                f"Undo: {REMEDIES[name].label.lower()}", key=f"undo_{name}", type="tertiary",
                icon=":material/undo:", on_click=_undo, args=(path.name, name),
            )  # fmt: skip


def draw_findings(path: Path | None, faults: Sequence[Finding], short: bool = False) -> None:
    """A line for each kind of finding, with its rows and a button for each remedy.

    Args:
        path: A kept file; None for the sample, which nothing mends.
        faults: What was found, what a run refuses first.
        short: Names alone, without sentences.
    """
    kinds: dict[tuple[str, ...], list[Finding]] = {}
    for fault in faults:
        kinds.setdefault((fault.name, *fault.remedies), []).append(fault)
    for number, found in enumerate(list(kinds.values())[:MOST_KINDS]):
        _draw_kind(path, found, short, number)


def _draw_kind(path: Path | None, found: Sequence[Finding], short: bool, number: int) -> None:
    first, rows = found[0], sorted({row for fault in found for row in fault.rows})
    widths = SHORT_WIDTHS if short else WIDTHS
    count, text, buttons = st.columns(widths, vertical_alignment="center")
    count.badge(
        _rows(len(rows)), color="red" if first.refused else "orange",
        help="No run starts on these rows." if first.refused else "A run learns from them all the "
        "same.",
    )  # fmt: skip
    more = f" And {len(found) - 1:,} more of this kind." if len(found) > 1 else ""
    where = f" Row{'s' if len(rows) > 1 else ''} {rows_named(tuple(rows))}."
    text.text(first.name if short else f"{first.name}. {first.text}{more}{where}")
    counted = "" if "drop_leaks" in first.remedies else f" ({len(rows):,})"  # both sides' rows
    if path is None:
        return
    for name in first.remedies:
        remedy = REMEDIES[name]
        buttons.button(
            remedy.label + counted, key=f"remedy_{number}_{name}", help=remedy.help,
            icon=":material/healing:", on_click=_apply, args=(path.name, name),
        )  # fmt: skip


def _rows(number: int) -> str:
    return f"{number:,} row{'s' if number != 1 else ''}"


def rows_named(rows: tuple[int, ...]) -> str:
    """``(1, 2, ...)`` -> ``"1, 2, …"``: the first `ROWS_NAMED`, and how many more."""
    shown = ", ".join(f"{row:,}" for row in rows[:ROWS_NAMED])
    return shown + (f" and {len(rows) - ROWS_NAMED:,} more" if len(rows) > ROWS_NAMED else "")


def _apply(file: str, name: str) -> None:
    key = keys.of_file("cleaning", file)
    others = REMEDIES.keys() - _against(name)
    st.session_state[key] = [n for n in st.session_state.get(key) or () if n in others] + [name]


def _undo(file: str, name: str) -> None:
    key = keys.of_file("cleaning", file)
    st.session_state[key] = [n for n in st.session_state.get(key) or () if n != name]


def _against(name: str) -> set[str]:
    """Remedies that can't be had together with this one."""
    rare = {"merge_rare_classes", "drop_rare_classes"}
    return rare - {name} if name in rare else set()
