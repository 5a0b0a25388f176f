"""How the values of one gate vector move: a histogram for each step, one above the other."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from app.charts import style
from app.charts.gates import named_ticks
from finegates.gates.removal import HISTOGRAM_BINS

OVERLAP, ENDS = 2.2, 0.85
"""How many rows high the fullest bin between 0 and 1 is, and a share of 1 in the end bins."""

ROW_HEIGHT, AROUND = 15, 90
"""In pixels: of a row, and of axis and title."""

MOST_LABELS, SMALLEST_SHARE = 8, 1e-3
HOW_TO_READ = (
    "Each row is a step, the newest on top. Bins are fixed: exactly 0 (grey, left), twenty of 0.05 "
    "each, exactly 1 (blue, right). A bar at a side is full where all gates are there"
)


def how_to_read(frame: pd.DataFrame) -> str:
    """With the scale of the bins in between, which is the chart's own."""
    return (
        f"{HOW_TO_READ}; between them heights are square roots, and the tallest bin holds "
        f"{_tallest(frame):.1%} of the gates."
    )


def _tallest(frame: pd.DataFrame) -> float:
    return float(frame["share"][~_is_end(frame)].max())


def _is_end(frame: pd.DataFrame) -> pd.Series:
    return frame["bin"].isin((0, HISTOGRAM_BINS + 1))


def over_time(frame: pd.DataFrame) -> alt.LayerChart:
    """A ridge.

    Args:
        frame: From `app.live.ridge_frames.ridge`, the newest step first: lower rows are in front.
    """
    ends = _is_end(frame)
    between = OVERLAP * np.sqrt(frame["share"] / max(_tallest(frame), SMALLEST_SHARE))
    frame = frame.assign(top=frame["row"] + np.where(ends, ENDS * frame["share"], between))
    num_rows = int(frame["row"].max()) + 1
    x = alt.X(
        "low:Q",
        axis=alt.Axis(title="Gate value", values=[0, 0.2, 0.4, 0.6, 0.8, 1], grid=False),
        scale=alt.Scale(domain=[frame["low"].min(), frame["high"].max()], nice=False),
    )
    y = alt.Y(
        "top:Q",
        axis=named_ticks(_labels(frame), title="Step", grid=False),
        scale=alt.Scale(domain=[0, num_rows - 1 + OVERLAP], nice=False),
    )
    base = alt.Chart(_outline(frame[~ends])).encode(
        x=x, y=y, y2=alt.Y2("row:Q"), detail=alt.Detail("row:O")
    )
    inner = base.mark_area(
        interpolate="step-after", color=style.SKY, fillOpacity=0.45, line=_line(style.BLUE)
    )
    bars = frame[ends & (frame["gates"] > 0)]
    bars = bars.assign(color=np.where(bars["bin"] == 0, style.CLOSED_COLOR, style.OPEN_COLOR))
    outer = alt.Chart(bars).mark_rect(fillOpacity=0.8).encode(
        x=x, x2=alt.X2("high:Q"), y=y, y2=alt.Y2("row:Q"), color=alt.Color("color:N", scale=None)
    )  # fmt: skip
    hover = alt.Chart(frame[frame["gates"] > 0]).mark_rect(opacity=0).encode(
        x=x, x2=alt.X2("high:Q"), y=y, y2=alt.Y2("row:Q"), tooltip=[
            alt.Tooltip("step:Q", title="Step"),
            alt.Tooltip("values:N", title="Gate value"),
            alt.Tooltip("share:Q", title="Gates of the vector", format=".2%"),
            alt.Tooltip("gates:Q", title="Number of gates", format=","),
        ]
    )  # fmt: skip
    height = ROW_HEIGHT * int(num_rows + OVERLAP) + AROUND
    return style.layered(inner, outer, hover).properties(height=height)


def _outline(inner: pd.DataFrame) -> pd.DataFrame:
    """Steps of the line need an end: the last bin once more, at its upper edge."""
    last = inner[inner["bin"] == HISTOGRAM_BINS]
    both = pd.concat([inner, last.assign(low=last["high"], bin=HISTOGRAM_BINS + 1)])
    return both.sort_values(["row", "bin"], ascending=[False, True])[["row", "low", "top"]]


def _labels(frame: pd.DataFrame) -> dict[int, str]:
    rows = frame.drop_duplicates("row")[["row", "step"]].to_numpy()
    stride = -(-len(rows) // MOST_LABELS)
    return {int(row): f"{int(step):,}" for row, step in rows[::stride]}


def _line(color: str) -> dict[str, Any]:
    return {"color": color, "strokeWidth": 0.9}
