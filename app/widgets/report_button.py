"""Buttons that make a report: one HTML file that opens anywhere, of one run or of several."""

import html
from collections.abc import Callable, Sequence

import streamlit as st

from app.reading.results import all_groups
from finegates.errors import FineGatesError
from finegates.reports.report import group_report, run_report, runs_report
from finegates.runs.folder import Run

HELP = (
    "One HTML file with settings, numbers, curves and gates, for a colleague: figures can be "
    "zoomed, nothing is loaded from the network. About 5 MB."
)


def report_button(run: Run) -> None:
    """A report of a run as it is at the moment of the click."""
    _button(lambda: run_report(run), f"report-{run.id}.html", key=f"report-{run.id}")


def runs_report_button(runs: Sequence[Run]) -> None:
    """A report of several runs, with their medians over seeds; of a group if they are one."""
    _button(lambda: _of_several(runs), f"report-{len(runs)}-runs.html", key="report_ticked")


def _of_several(runs: Sequence[Run]) -> str:
    """As a group where they are one: then missing seeds are reported too."""
    folder, ids = runs[0].path.parent, {run.id for run in runs}
    for group in all_groups(folder):
        if {run for run in group.runs if (folder / run).is_dir()} == ids:
            return group_report(group, folder)
    return runs_report(runs)


def _button(make: Callable[[], str], file_name: str, key: str) -> None:
    st.download_button(
        "Report", lambda: _made(make), file_name=file_name, mime="text/html", key=key,
        on_click="ignore", icon=":material/description:", help=HELP,
    )  # fmt: skip


def _made(make: Callable[[], str]) -> bytes:
    """The file; in its place the reason, where it can't be made."""
    try:
        return make().encode()
    except FineGatesError as error:
        return f"<!DOCTYPE html><p>No report: {html.escape(str(error))}</p>".encode()
