"""Dense baselines: a line across the chart for each, with its name behind the right end."""

import math

import altair as alt
import pandas as pd

from app.charts import style
from app.charts.series import Encodings
from finegates.data.metric_kinds import is_lower_better, score_text

LABEL_HEIGHT = 15
"""Pixels that a name needs, so that two of them never lie on one another."""
LETTER_WIDTH = 6.3
"""Pixels, of a letter at 12 px bold; a little generous."""
MOST_LETTERS = 24
AXIS_AND_LEGEND = 130
"""Pixels of a chart's height that the plot does not have."""


def dense_lines(
    baselines: pd.DataFrame, encodings: Encodings, gap: float, metric: str
) -> list[alt.Chart]:
    """Lines at the medians, each in its method's colour; names behind them, moved apart.

    Args:
        baselines: From `app.tradeoff.frames.baselines`.
        encodings: Of the chart.
        gap: From `label_gap`.
        metric: Whose scores they are.
    """
    frame = baselines.sort_values("median")
    frame["name"] = names_of(frame, metric)
    frame["label_y"] = apart_on_axis(metric, list(frame["median"]), gap)
    base = alt.Chart(frame).encode(color=encodings.color, tooltip=_tooltip())
    line = base.mark_rule(strokeWidth=1.6, strokeDash=[2, 3])
    text = base.mark_text(align="left", baseline="middle", dx=6, fontSize=12, fontWeight=600)
    return [
        line.encode(y=encodings.y("median")),
        text.encode(text=alt.Text("name:N"), x=alt.XValue("width"), y=encodings.y("label_y")),
    ]


def label_gap(metric: str, low: float, high: float, height: int) -> float:
    """What two names have to lie apart on a score axis from low to high.

    Args:
        metric: Whose scores the axis has: on a log scale the gap is one of logarithms.
        low: Its lower end.
        high: Its upper end.
        height: Of the chart, in pixels.
    """
    gap = math.log(high / low) if is_lower_better(metric) else high - low
    return LABEL_HEIGHT * gap / (height - AXIS_AND_LEGEND)


def apart_on_axis(metric: str, scores: list[float], gap: float) -> list[float]:
    """As `apart`, of scores on the axis of their metric."""
    if not is_lower_better(metric):
        return apart(scores, gap)
    return [math.exp(place) for place in apart([math.log(score) for score in scores], gap)]


def names_of(baselines: pd.DataFrame, metric: str) -> pd.Series:
    """What stands behind each line; the tooltip has all of it."""
    scores = baselines["median"].map(lambda score: score_text(score, metric))
    return short_names(baselines) + " " + scores


def short_names(frame: pd.DataFrame) -> pd.Series:
    """The method where it is there with one kind of settings only; else the series, cut if long."""
    alone = frame.groupby("method")["series"].transform("nunique") == 1
    cut = frame["series"].map(
        lambda name: name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1]}…"
    )
    return cut.where(~alone, frame["method"])


def room_for_names(baselines: pd.DataFrame, metric: str) -> int:
    """Pixels that the names need to the right of the plot."""
    return 12 + round(LETTER_WIDTH * max(map(len, names_of(baselines, metric)), default=0))


def apart(values: list[float], gap: float) -> list[float]:
    """Sorted values, moved as little as needed to lie at least ``gap`` apart.

    Values that are too near to each other share the middle of where they would like to be.
    """
    clusters: list[tuple[float, int]] = []  # (sum of the wished values, how many)
    for value in values:
        clusters.append((value, 1))
        while len(clusters) > 1 and _overlap(clusters[-2], clusters[-1], gap):
            (total, count), (other, more) = clusters[-2:]
            clusters[-2:] = [(total + other, count + more)]
    return [
        total / count + gap * (place - (count - 1) / 2)
        for total, count in clusters
        for place in range(count)
    ]


def _overlap(lower: tuple[float, int], upper: tuple[float, int], gap: float) -> bool:
    (total, count), (other, more) = lower, upper
    return other / more - total / count < gap * (count + more) / 2


def _tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("series:N", title="Dense baseline"),
        alt.Tooltip("median:Q", title="Median score", format=style.SCORE),
        alt.Tooltip("low:Q", title="Lowest", format=style.SCORE),
        alt.Tooltip("high:Q", title="Highest", format=style.SCORE),
        alt.Tooltip("num_seeds:Q", title="Seeds"),
    ]
