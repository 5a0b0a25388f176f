"""Gate values of every layer: over the training, and at one step.

Layers stand side by side in one view, so the charts stretch with the page and redraw fast. Each
layer is a panel `PANEL` units wide; its y axis runs from closed over the fixed bins to fully open.
"""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from app.charts import style
from finegates.gates.removal import HISTOGRAM_BINS

PANEL, FILL = 100, 92
HEIGHT = 300
MANY_LAYERS = 8

_END, _GAP, _BIN = 18, 6, 10
_OPEN = _END + _GAP + _BIN * HISTOGRAM_BINS + _GAP
_TOP = _OPEN + _END
_VALUE_TICKS = {
    _END // 2: "closed",
    _END + _GAP + _BIN * HISTOGRAM_BINS // 4: "0.25",
    _END + _GAP + _BIN * HISTOGRAM_BINS // 2: "0.5",
    _END + _GAP + _BIN * HISTOGRAM_BINS * 3 // 4: "0.75",
    _OPEN + _END // 2: "open",
}


def over_steps(shares: pd.DataFrame, total_steps: int) -> alt.Chart:
    """Step by bin, a panel for each layer; the stronger the colour, the more gates.

    Args:
        shares: From `app.snapshots.frames.shares`.
        total_steps: Of the whole training, which is the width of a panel.
    """
    frame = shares.assign(
        x=shares["panel"] * PANEL + FILL * shares["start"],
        x2=shares["panel"] * PANEL + FILL * shares["end"],
        **_heights(shares["bin"]),
    )
    color = alt.Color(
        "share:Q",
        scale=alt.Scale(type="pow", exponent=0.4, domain=[0, 1]),
        legend=alt.Legend(title="Share of gates", format="~%", values=[0, 0.01, 0.1, 0.5, 1]),
    )
    title = f"In each panel: the training from step 0 at the left to {total_steps:,} at the right"
    return _panels(alt.Chart(frame).mark_rect(), frame, title).encode(color=color)


def at_step(shares: pd.DataFrame) -> alt.Chart:
    """A histogram for each layer at one step; lengths grow with the square root of the share."""
    start = shares["panel"] * PANEL
    frame = shares.assign(
        x=start,
        x2=start + FILL * np.sqrt(shares["share"]),
        **_heights(shares["bin"]),
        color=shares["bin"].map(_bin_color),
    )
    title = "Longer bars are more gates (square-root scale; hover for the exact share)"
    marks = alt.Chart(frame).mark_rect(cornerRadiusEnd=2)
    return _panels(marks, frame, title).encode(color=alt.Color("color:N", scale=None))


def _panels(marks: alt.Chart, frame: pd.DataFrame, title: str) -> alt.Chart:
    panels = frame.drop_duplicates("panel").sort_values("panel")
    word = "" if len(panels) > MANY_LAYERS else "Layer "
    centres = {
        int(p) * PANEL + FILL // 2: f"{word if layer.isdecimal() else ''}{layer}"
        for p, layer in zip(panels["panel"], panels["layer"], strict=True)
    }
    return marks.encode(
        x=alt.X(
            "x:Q",
            axis=named_ticks(centres, title=title, orient="top", grid=False, labelOverlap=True),
            scale=alt.Scale(domain=[0, len(panels) * PANEL - (PANEL - FILL)], nice=False),
        ),
        x2=alt.X2("x2:Q"),
        y=alt.Y(
            "y:Q",
            axis=named_ticks(_VALUE_TICKS, title="Gate value", grid=False),
            scale=alt.Scale(domain=[0, _TOP], nice=False),
        ),
        y2=alt.Y2("y2:Q"),
        tooltip=[
            alt.Tooltip("layer:O", title="Layer"),
            alt.Tooltip("step:Q", title="Step"),
            alt.Tooltip("values:N", title="Gate value"),
            alt.Tooltip("share:Q", title="Gates of the layer", format=".2%"),
            alt.Tooltip("gates:Q", title="Number of gates", format=","),
        ],
    ).properties(height=HEIGHT)


def named_ticks(names: dict[int, str], **options: Any) -> alt.Axis:
    """An axis that has names at some places, and nothing else."""
    words = ", ".join(f"'{place}': '{name}'" for place, name in names.items())
    return alt.Axis(
        values=list(names),
        labelExpr=f"({{{words}}})[datum.value]",
        ticks=False,
        labelFlush=False,
        **options,
    )


def _heights(bins: pd.Series) -> dict[str, pd.Series]:
    inside = _END + _GAP + (bins - 1) * _BIN
    low = inside.where(bins > 0, 0).where(bins <= HISTOGRAM_BINS, _OPEN)
    size = np.where((bins == 0) | (bins > HISTOGRAM_BINS), _END, _BIN)
    return {"y": low, "y2": low + size}


def _bin_color(bin_: int) -> str:
    if bin_ == 0:
        return style.CLOSED_COLOR
    if bin_ > HISTOGRAM_BINS:
        return style.OPEN_COLOR
    return style.BETWEEN_COLORS[(bin_ - 1) * len(style.BETWEEN_COLORS) // HISTOGRAM_BINS]


EXPLANATIONS = {
    "steps": "Each panel is a layer. Gates start fully open at the top, drift down, and end in the "
    "row of closed ones. Bins are fixed: exactly 0, twenty of 0.05 each, exactly 1.",
    "bars": "Each panel is a layer at one step: closed gates at the bottom (grey), fully open ones "
    "at the top (blue), what is still undecided between (orange is nearly closed).",
}
