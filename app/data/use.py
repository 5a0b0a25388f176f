"""From a kept data set to a run: its columns, and New run or Sweep with all of it filled in."""

from collections.abc import Sequence

import streamlit as st

from app import places
from app.new.data import file_settings
from app.new.prefill import file_query
from finegates.data.report import DataReport
from finegates.data.uploads import KeptFile
from finegates.spec import SAMPLE_TASK, RunSpec, make_spec


def choose_spec(file: KeptFile | None, kept: Sequence[KeptFile]) -> tuple[RunSpec, bool]:
    """A spec with this data, and whether all is known of it; its columns are chosen here.

    Args:
        file: The chosen one; None for the sample.
        kept: Every kept file.

    Raises:
        DataError: If the file can't be read.
    """
    if file is None:
        return make_spec({"task": SAMPLE_TASK}), True
    settings, known = file_settings(file.path, kept)
    return make_spec(settings), known


def draw_use(spec: RunSpec, report: DataReport) -> None:
    """Whether a run would take the rows, and links that open New run and Sweep with them."""
    query = file_query(spec)
    with st.container(horizontal=True, vertical_alignment="center"):
        if report.refusal:
            st.badge("A run refuses these rows", icon=":material/block:", color="red")
        else:
            st.badge("Ready to train on", icon=":material/check:", color="green")
        st.page_link(
            places.NEW_RUN, label="Use in New run", icon=":material/add_circle:",
            query_params=query, help="Opens New run with this data chosen.",
        )  # fmt: skip
        st.page_link(
            places.NEW_SWEEP, label="Use in Sweep", icon=":material/grid_view:",
            query_params=query, help="Opens Sweep with this data chosen.",
        )  # fmt: skip
    if report.refusal:
        st.text(report.refusal)
