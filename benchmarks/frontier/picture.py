"""The frontier as a picture: score against removed weights, a panel for each task."""

from collections.abc import Iterable, Mapping
from typing import Any

import altair as alt
import pandas as pd

from benchmarks.frontier.plan import DENSE, TASK_NAMES, reaches_no_budget

WIDTH, HEIGHT = 300, 260
SHOWN = {
    "finegates+lora": ("finegates+lora", "#d55e00"),
    "finegates": ("finegates", "#2b7fc0"),
    "finegates-official": ("official constants, rounded", "#009e73"),
    "magnitude": ("smallest norms + recovery", "#808890"),
    "lora": ("LoRA, smallest norms closed", "#bfa400"),
}
"""Method -> its name in the picture and its colour. Colours after Okabe and Ito."""
TITLES = {"matthews": "Matthews correlation", "pearson": "Pearson correlation"}


def picture(points: Iterable[Mapping[str, Any]]) -> alt.HConcatChart:
    """A panel for each task, in the order of the points."""
    rows = [
        {**p, "name": SHOWN[p["method"]][0], "x": p["removed"]}
        for p in points
        if p["method"] in SHOWN and p["median"] is not None and not reaches_no_budget(p)
    ]
    frame = pd.DataFrame(rows)
    panels = [_panel(frame[frame["task"] == task], task) for task in frame["task"].unique()]
    return (
        alt.hconcat(*panels)
        .configure(background="white", font="DejaVu Sans")
        .configure_view(stroke=None)
        .configure_axis(gridColor="#e6e6e6", domainColor="#999999", tickColor="#999999")
    )


def _panel(frame: pd.DataFrame, task: str) -> alt.LayerChart:
    metric = frame["metric"].iloc[0]
    dense = frame[(frame["method"] == DENSE[0]) & (frame["kind"] == "trained")]
    curves = frame.drop(dense.index)
    title = TITLES.get(metric, metric.capitalize())
    x = alt.X(
        "x:Q",
        title="weights removed",
        axis=alt.Axis(format="%", tickCount=5),
        scale=alt.Scale(domain=[0, 0.8]),
    )
    y = alt.Y("median:Q", title=title, scale=alt.Scale(zero=False))
    color = alt.Color(
        "name:N",
        scale=alt.Scale(
            domain=[n for n, _ in SHOWN.values()], range=[c for _, c in SHOWN.values()]
        ),
        legend=alt.Legend(title=None, orient="bottom", columns=2, labelLimit=260),
    )
    base = alt.Chart(curves).encode(x=x, color=color)
    line = base.mark_line(strokeWidth=2).encode(y=y)
    spread = base.mark_rule(strokeWidth=1.5, opacity=0.7).encode(
        y=alt.Y("low:Q", title=title), y2="high:Q"
    )
    dots = base.mark_point(filled=True, size=55, opacity=1).encode(y=y)
    layers = line + spread + dots
    if len(dense):
        layers += _dense_line(float(dense["median"].iloc[0]))
    return layers.properties(width=WIDTH, height=HEIGHT, title=TASK_NAMES.get(task, task))


def _dense_line(score: float) -> alt.LayerChart:
    base = alt.Chart(pd.DataFrame([{"y": score, "label": "dense LoRA"}])).encode(y="y:Q")
    text = base.mark_text(align="right", dy=-6, color="#666666").encode(
        x=alt.value(WIDTH - 4), text="label:N"
    )
    return base.mark_rule(strokeDash=[5, 4], color="#666666") + text
