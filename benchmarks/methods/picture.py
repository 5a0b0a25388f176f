"""The comparison as a picture: a column for each task, dense methods above, removing ones below."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict

import altair as alt
import pandas as pd

from benchmarks.frontier.picture import TITLES
from benchmarks.frontier.plan import TASK_NAMES
from finegates.methods import METHODS
from finegates.reports.palette import METHOD_LOOKS
from finegates.results.compared import MethodScore

WIDTH, HEIGHT = 230, 240
LEGEND_COLUMNS = 6
ROOM = 14
"""Pixels beyond the outermost points, which are whole then."""
DENSE = alt.X(
    "trained:Q", title="trained parameters",
    axis=alt.Axis(format="~s", values=[10**power for power in range(10)]),
    scale=alt.Scale(type="log", padding=ROOM, nice=False),
)  # fmt: skip
REMOVING = alt.X(
    "removed:Q", title="weights removed", axis=alt.Axis(format="%", tickCount=4),
    scale=alt.Scale(zero=False, padding=ROOM, nice=False),
)  # fmt: skip
FASTER = alt.X(
    "speedup:Q", title="times as fast, 32 x 128", axis=alt.Axis(format=".1f", tickCount=5),
    scale=alt.Scale(zero=False, padding=ROOM, nice=False),
)  # fmt: skip


def picture(scores: Iterable[MethodScore]) -> alt.VConcatChart:
    """Medians over seeds of what finished, with the range of the seeds."""
    frame = pd.DataFrame(
        [asdict(s) for s in scores if s.median is not None and s.method in METHODS]
    )
    removes = frame["method"].map(lambda name: METHODS[name].removes)
    timed = frame[removes & frame["speedup"].notna()]
    parts = ((frame[~removes], DENSE), (frame[removes], REMOVING), (timed, FASTER))
    rows = [_row(part, x) for part, x in parts if len(part)]
    return (
        alt.vconcat(*rows)
        .resolve_scale(color="independent", shape="independent")
        .configure(background="white", font="DejaVu Sans")
        .configure_view(stroke=None)
        .configure_axis(gridColor="#e6e6e6", domainColor="#999999", tickColor="#999999")
    )


def _row(frame: pd.DataFrame, x: alt.X) -> alt.HConcatChart:
    methods = [name for name in METHOD_LOOKS if name in {*frame["method"]}]
    return alt.hconcat(
        *(_panel(frame[frame["task"] == task], x, methods) for task in frame["task"].unique())
    )


def _panel(frame: pd.DataFrame, x: alt.X, methods: Sequence[str]) -> alt.LayerChart:
    metric, task = frame["metric"].iloc[0], frame["task"].iloc[0]
    title = TITLES.get(metric, metric.capitalize())
    looks = [METHOD_LOOKS[name] for name in methods]
    legend = alt.Legend(
        title=None, orient="bottom", columns=LEGEND_COLUMNS, symbolLimit=0, symbolOpacity=1
    )
    base = alt.Chart(frame).encode(
        x=x,
        color=alt.Color(
            "method:N", legend=legend,
            scale=alt.Scale(domain=methods, range=[color for color, _ in looks]),
        ),
    )  # fmt: skip
    y = alt.Y("median:Q", title=title, scale=alt.Scale(zero=False))
    shape = alt.Shape(
        "method:N", legend=legend, scale=alt.Scale(domain=methods, range=[s for _, s in looks])
    )
    spread = base.mark_rule(opacity=0.6).encode(y=alt.Y("low:Q", title=title), y2="high:Q")
    dots = base.mark_point(filled=True, size=60, opacity=1).encode(y=y, shape=shape)
    panel = spread + dots
    return panel.properties(width=WIDTH, height=HEIGHT, title=TASK_NAMES.get(task, task))
