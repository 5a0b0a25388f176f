"""A chart as a file: its Vega-Lite specification, and SVG where the package for it is installed."""

import io
from functools import partial
from importlib.util import find_spec

import altair as alt
import streamlit as st

WIDTH = 800
"""Pixels of a saved chart; on the page it is as wide as there is room."""
SVG_PACKAGE = "vl_convert"


def as_json(chart: alt.LayerChart) -> str:
    """The specification with its data, as https://vega.github.io/editor reads it."""
    return _to_save(chart).to_json()


def as_svg(chart: alt.LayerChart) -> str:
    """The chart drawn as SVG, on white; needs the package vl-convert-python."""
    file = io.StringIO()
    _to_save(chart).save(file, format="svg")
    return file.getvalue()


def export_buttons(chart: alt.LayerChart, name: str, key: str) -> None:
    """Download buttons for a chart; the files are made when they are asked for.

    Args:
        chart: As it is shown.
        name: Of the files, without suffix.
        key: Of the chart on the page.
    """
    with st.container(horizontal=True, horizontal_alignment="right"):
        if find_spec(SVG_PACKAGE):
            st.download_button(
                "SVG", partial(as_svg, chart), file_name=f"{name}.svg", mime="image/svg+xml",
                icon=":material/download:", on_click="ignore", type="tertiary", key=f"svg_{key}",
                help="The chart on white. A PNG as it looks here is in the chart's own toolbar.",
            )  # fmt: skip
        st.download_button(
            "Vega-Lite", partial(as_json, chart), file_name=f"{name}.vl.json",
            mime="application/json", icon=":material/data_object:", on_click="ignore",
            type="tertiary", key=f"spec_{key}",
            help="The chart's specification with its data, to be restyled or drawn elsewhere. "
            "With the package vl-convert-python installed, SVG is offered too.",
        )  # fmt: skip


def _to_save(chart: alt.LayerChart) -> alt.LayerChart:
    return chart.properties(width=WIDTH).configure(background="white")
