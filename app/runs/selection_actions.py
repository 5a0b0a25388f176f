"""What can be done with the ticked runs: look at them, compare, tag, group, duplicate, delete."""

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import streamlit as st

from app import places
from app.new.duplicate import fill_new_run
from app.reading.one_run import launch_of
from app.rows import Row
from app.runs.selection import untick_all, version
from app.runs.view import all_tags
from app.text import escape_markdown
from app.widgets.buttons import change_button, run_buttons
from app.widgets.chosen import draw_places
from app.widgets.opening import go_to
from app.widgets.plain_code import plain_code
from app.widgets.report_button import report_button, runs_report_button
from app.widgets.run_name import rename_popover
from app.words import STATES
from finegates.errors import FineGatesError, RunError
from finegates.groups.from_runs import group_runs
from finegates.runs.bin import delete_run
from finegates.runs.folder import BROKEN, Run
from finegates.runs.launch import HERE
from finegates.runs.notes import change_tags
from finegates.runs.status import ACTIVE_STATES

MOST_NAMED = 8


def draw_ticked(chosen: list[Row], rows: list[Row], num_hidden: int, folder: Path) -> None:
    """A box with the ticked runs and their buttons.

    Args:
        chosen: Rows of the ticked runs.
        rows: Rows of all runs.
        num_hidden: How many of the ticked runs the filter hides.
        folder: The runs folder.
    """
    with st.container(border=True):
        if len(chosen) == 1:
            _draw_name(chosen, num_hidden)
        with st.container(horizontal=True, vertical_alignment="center"):
            if len(chosen) > 1:
                _draw_name(chosen, num_hidden)
            else:
                _draw_links(chosen[0], folder)
            _draw_actions(chosen, rows, folder)
        if len(chosen) == 1:
            _draw_details(chosen[0])


def _draw_name(chosen: list[Row], num_hidden: int) -> None:
    if len(chosen) == 1:
        look = STATES[chosen[0]["status"]]
        name = escape_markdown(chosen[0]["name"])
        text = f":material/{look.icon}: **{name}** {look.meaning}  \n`{chosen[0]['run']}`"
    else:
        text = f"**{len(chosen)} runs** ticked"
    hidden = f", {num_hidden} hidden by the filter" if num_hidden else ""
    st.markdown(text + hidden, width="stretch")


def _draw_links(row: Row, folder: Path) -> None:
    run = Run(folder / row["run"])
    draw_places(row)
    run_buttons(run, row["status"])
    if row["status"] != BROKEN:
        st.button(
            "Duplicate", icon=":material/content_copy:", key="duplicate", on_click=_duplicate,
            args=(run,), help="Opens New run with the settings of this one.",
        )  # fmt: skip
        rename_popover(run)


def _draw_actions(chosen: list[Row], rows: list[Row], folder: Path) -> None:
    ids = [row["run"] for row in chosen]
    if len(ids) > 1:
        st.page_link(
            places.COMPARE, label="Compare", icon=":material/compare_arrows:",
            query_params={"runs": ids}, help="Their curves, numbers and settings side by side.",
        )  # fmt: skip
        runs_report_button([Run(folder / run) for run in ids])
    elif chosen[0]["status"] != BROKEN:
        report_button(Run(folder / ids[0]))
    with st.popover("Tag", icon=":material/label:", key="tag_ticked"):
        _draw_tags(chosen, rows, folder)
    with st.popover("Group", icon=":material/workspaces:", key="group_ticked"):
        _draw_group(ids, folder)
    with st.popover("Delete", icon=":material/delete:", key="delete_ticked"):
        _draw_delete(chosen, folder)
    st.button("Untick", icon=":material/close:", key="untick", on_click=untick_all)


def _draw_details(row: Row) -> None:
    for text in filter(None, (row["reason"], row["notes_problem"])):
        st.text(text)
    if row["notes"]:
        st.text(row["notes"])
    if row["command"]:
        st.caption("The command that repeats it:")
        plain_code(row["command"], f"command-{row['run']}")


def _draw_tags(chosen: list[Row], rows: list[Row], folder: Path) -> None:
    add = st.multiselect(
        "Add tags", all_tags(rows), key=f"add_tags_{version()}", accept_new_options=True, width=320,
        placeholder="choose, or type new ones",
    )  # fmt: skip
    remove = st.multiselect(
        "Remove tags", all_tags(chosen), key=f"remove_tags_{version()}", width=320,
        placeholder="none",
    )  # fmt: skip
    ready = bool(add or remove)
    if change_button("Save tags", type="primary", key="save_tags", disabled=not ready):
        _for_each(
            [row["run"] for row in chosen],
            lambda run: change_tags(folder / run, add, remove),
        )


def _draw_group(ids: list[str], folder: Path) -> None:
    st.markdown(
        "A group is what a sweep makes: runs that differ in **method, target and seed** alone. It "
        "is averaged over seeds in *Accuracy vs sparsity* and can be gone on with."
    )
    name = st.text_input("Name", key=f"group_name_{version()}", placeholder="my-comparison")
    label = f"Group {len(ids)} run{'s' if len(ids) > 1 else ''}"
    if change_button(label, type="primary", key="make_group", disabled=not name):
        try:
            group = group_runs(folder, name.strip(), [Run(folder / run) for run in reversed(ids)])
        except FineGatesError as error:
            st.error(escape_markdown(str(error)), icon=":material/error:")
            return
        go_to(places.TRADEOFF, group=group.name)
        st.rerun()


def _draw_delete(chosen: list[Row], folder: Path) -> None:
    active = [row for row in chosen if row["status"] in ACTIVE_STATES]
    over = [row for row in chosen if row not in active]
    if active:
        st.markdown("Stop it before you delete it:" if len(active) == 1 else "Stop them first:")
        st.markdown(_listed(f"{_called(row)} is {row['status']}" for row in active))
    if over:
        what = "this run" if len(over) == 1 else f"these {len(over)} runs"
        st.markdown(f"Moves {what} to the bin, from where they can be restored:")
        st.markdown(_listed(map(_called, over)))
    many = f"Yes, delete {len(over)} runs" if len(over) > 1 else "Yes, delete it"
    if change_button(many, type="primary", key="delete", disabled=not over):
        _for_each([row["run"] for row in over], lambda run: delete_run(Run(folder / run)))


def _called(row: Row) -> str:
    return f"{escape_markdown(row['name'])} (`{row['run']}`)"


def _for_each(runs: Iterable[str], act: Any) -> None:
    """Acts on each run; what went wrong is shown, and the others are done all the same."""
    problems = []
    for run in runs:
        try:
            act(run)
        except (FineGatesError, OSError) as error:
            problems.append(str(error))
    if problems:
        st.error("  \n".join(map(escape_markdown, problems[:MOST_NAMED])), icon=":material/error:")
    else:
        untick_all()
        st.rerun()


def _listed(lines: Iterable[str]) -> str:
    lines = list(lines)
    more = len(lines) - MOST_NAMED
    return "\n".join(f"- {x}" for x in lines[:MOST_NAMED]) + (f"\n- and {more} more" * (more > 0))


def _duplicate(run: Run) -> None:
    launch = HERE
    with contextlib.suppress(RunError):  # a damaged file: this machine
        launch = launch_of(run)
    fill_new_run(run.spec, launch)
    go_to(places.NEW_RUN)
