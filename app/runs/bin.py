"""The bin of the runs folder: how many runs are in it, and the way back."""

from datetime import datetime
from pathlib import Path

import streamlit as st

from app.reading.runs import binned_runs, name_of_binned
from app.text import escape_markdown
from app.widgets.buttons import change_button
from finegates.errors import FineGatesError
from finegates.runs.bin import BinnedRun, restore_run


def draw_bin(folder: Path) -> None:
    """A button with what can be restored; nothing where the bin is empty."""
    found = {_name(binned): binned for binned in binned_runs(folder)}
    if not found:
        return
    with st.popover(f"Bin ({len(found)})", icon=":material/delete:", key="bin"):
        st.markdown(
            f"{len(found)} deleted run{'s lie' if len(found) > 1 else ' lies'} in the folder "
            "`.bin`, the last deleted first. Nothing is ever removed from it by this program."
        )
        chosen = st.multiselect(
            "Deleted runs", list(found), key="to_restore", width=520, placeholder="choose runs"
        )
        if change_button("Restore", type="primary", key="restore", disabled=not chosen):
            _restore([found[name] for name in chosen])


def _name(binned: BinnedRun) -> str:
    when = datetime.fromtimestamp(binned.deleted)
    return f"{name_of_binned(binned)}, deleted {when:%Y-%m-%d %H:%M:%S}, {binned.id}"


def _restore(chosen: list[BinnedRun]) -> None:
    problems = []
    for binned in chosen:
        try:
            restore_run(binned)
        except FineGatesError as error:
            problems.append(str(error))
    if problems:
        st.error("  \n".join(map(escape_markdown, problems)), icon=":material/error:")
    else:
        st.rerun()
