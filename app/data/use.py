"""From a kept data set to a run: its columns, and New run with both filled in."""

from typing import Any

import streamlit as st

from app import places
from app.new.data import NO_PAIR, map_columns
from finegates.data.report import DataReport
from finegates.data.uploads import KeptFile
from finegates.methods import DEFAULT_METHOD
from finegates.spec import FILE_TASK, SAMPLE_TASK, RunSpec


def settings_of(file: KeptFile | None) -> dict[str, Any]:
    """Settings of a spec with this data; the columns are chosen here.

    Raises:
        DataError: If the file can't be read.
    """
    if file is None:
        return {"task": SAMPLE_TASK}
    columns = map_columns(file.path, DEFAULT_METHOD)
    return {"task": FILE_TASK, "data": str(file.path), **columns}


def draw_use(file: KeptFile | None, spec: RunSpec, report: DataReport) -> None:
    """Whether a run would take the rows, and a link that opens New run with them."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if report.refusal:
            st.badge("A run refuses these rows", icon=":material/block:", color="red")
        else:
            st.badge("Ready to train on", icon=":material/check:", color="green")
        st.page_link(
            places.NEW_RUN, label="Use in New run", icon=":material/add_circle:",
            query_params=query_of(file, spec), help="Opens New run with this data chosen.",
        )  # fmt: skip
    if report.refusal:
        st.text(report.refusal)


def query_of(file: KeptFile | None, spec: RunSpec) -> dict[str, str]:
    """The address of New run that `app.new.prefill` reads."""
    if file is None:
        return {"task": SAMPLE_TASK}
    pair = spec.pair_column or NO_PAIR
    return {
        "file": file.path.name, "text": str(spec.text_column), "pair": pair,
        "label": str(spec.label_column),
    }  # fmt: skip
