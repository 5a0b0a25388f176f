"""The frontier as a picture: score against removed weights, a panel for each task."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import altair as alt
import pandas as pd

from benchmarks.frontier.plan import EARLIER, REFERENCE, REFERENCE_PART, TASK_NAMES

WIDTH, HEIGHT, IN_A_ROW = 300, 240, 3
SHOWN = {
    ("finegates+full", "warm"): ("finegates+full, from the fine-tuned model", "#d55e00"),
    ("finegates+lora", "scratch"): ("finegates+lora", "#2b7fc0"),
    ("finegates+lora", ""): (f"finegates+lora, {EARLIER}", "#7fb3d9"),
    ("finegates-official", "official"): ("official constants, rounded", "#009e73"),
    ("magnitude", "magnitude"): ("smallest norms + recovery", "#808890"),
    ("finegates-official", ""): (f"official constants, rounded, {EARLIER}", "#80cdb6"),
    ("magnitude", ""): (f"smallest norms + recovery, {EARLIER}", "#b9bec3"),
}
"""Method and part -> its name in the picture and its colour. Colours after Okabe and Ito."""
TITLES = {"matthews": "Matthews correlation", "pearson": "Pearson correlation"}


def picture(points: Iterable[Mapping[str, Any]]) -> alt.VConcatChart:
    """A panel for each task, in the order of the points."""
    points = [point for point in points if point["median"] is not None]
    rows = [
        {**point, "name": SHOWN[point["method"], point["part"]][0], "x": point["removed"]}
        for point in points
        if (point["method"], point["part"]) in SHOWN
    ]
    dense = {
        point["task"]: point["median"]
        for point in points
        if (point["method"], point["part"]) == (REFERENCE, REFERENCE_PART)
    }
    frame = pd.DataFrame(rows)
    used = {*frame["name"]}
    panels = [
        _panel(frame[frame["task"] == task], task, dense.get(task), used)
        for task in frame["task"].unique()
    ]
    lines = [
        alt.hconcat(*panels[start : start + IN_A_ROW]) for start in range(0, len(panels), IN_A_ROW)
    ]
    return (
        alt.vconcat(*lines)
        .configure(background="white", font="DejaVu Sans")
        .configure_view(stroke=None)
        .configure_axis(gridColor="#e6e6e6", domainColor="#999999", tickColor="#999999")
    )


def _panel(
    frame: pd.DataFrame, task: str, dense: float | None, used: Collection[str]
) -> alt.LayerChart:
    metric = frame["metric"].iloc[0]
    names = {name: color for name, color in SHOWN.values() if name in used}
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
        scale=alt.Scale(domain=list(names), range=list(names.values())),
        legend=alt.Legend(title=None, orient="bottom", columns=2, labelLimit=300),
    )
    base = alt.Chart(frame).encode(x=x, color=color)
    line = base.mark_line(strokeWidth=2).encode(y=y)
    spread = base.mark_rule(strokeWidth=1.5, opacity=0.7).encode(
        y=alt.Y("low:Q", title=title), y2="high:Q"
    )
    dots = base.mark_point(filled=True, size=55, opacity=1).encode(y=y)
    layers = line + spread + dots
    if dense is not None:
        layers += _dense_line(dense)
    return layers.properties(width=WIDTH, height=HEIGHT, title=TASK_NAMES.get(task, task))


def _dense_line(score: float) -> alt.LayerChart:
    base = alt.Chart(pd.DataFrame([{"y": score, "label": "full fine-tuning, dense"}])).encode(
        y="y:Q"
    )
    text = base.mark_text(align="right", dy=-6, color="#666666").encode(
        x=alt.value(WIDTH - 4), text="label:N"
    )
    return base.mark_rule(strokeDash=[5, 4], color="#666666") + text
