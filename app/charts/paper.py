"""One task of a table of the paper: a line for each row, hollow marks the paper's, filled yours."""

from collections.abc import Callable

import altair as alt
import pandas as pd

from app.charts import style

PAPER, OWN = "paper", "yours"
"""Whose a figure is: values of the column ``who``."""

ROW_HEIGHT, AXIS_HEIGHT = 34, 50
OF_FULL = 100.0
"""Percent: where full fine-tuning stands in the view relative to it."""


SMALLEST_SHARE = 0.02
"""Of the highest value: a range that noise can't fill."""


TICKS = 8
"""Numbers below the axis, about: each of a score is five characters wide."""


def paper_chart(frame: pd.DataFrame, title: str, relative: bool) -> alt.LayerChart:
    """Marks of each row of the paper on one task, with the range of the user's seeds.

    Args:
        frame: From `app.paper.frames.chart_frame`.
        title: Of the x axis.
        relative: Whether values are in percent of full fine-tuning, which is then a line.
    """
    rows = [*dict.fromkeys(frame["row"])]
    scale = alt.Scale(domain=_range(frame, [OF_FULL] if relative else []), nice=False, zero=False)
    base = alt.Chart(frame).encode(
        x=alt.X("value:Q", title=title, scale=scale, axis=alt.Axis(tickCount=TICKS)),
        y=alt.Y("row:N", sort=rows, title=None, axis=alt.Axis(grid=True, labelLimit=220)),
        color=alt.Color("row:N", legend=None, scale=_looks(frame, rows, style.color_of)),
        shape=alt.Shape("row:N", legend=None, scale=_looks(frame, rows, style.shape_of)),
        tooltip=_tooltip(title, ".1f" if relative else style.SCORE),
    )
    own = base.transform_filter(alt.datum.who == OWN)
    layers = [
        base.transform_filter(alt.datum.who == PAPER).mark_point(size=150, strokeWidth=1.8),
        own.mark_rule(strokeWidth=2).encode(
            x=alt.X("low:Q"), x2=alt.X2("high:Q"), shape=alt.Undefined
        ),
        own.mark_point(size=110, filled=True, opacity=1),
    ]
    if relative:
        full = alt.Chart(alt.Data(values=[{"x": OF_FULL}])).encode(x=alt.X("x:Q", scale=scale))
        layers.insert(0, full.mark_rule(color=style.GRAY, strokeDash=[4, 4]))
    return style.layered(*layers).properties(height=AXIS_HEIGHT + ROW_HEIGHT * len(rows))


def _looks(frame: pd.DataFrame, rows: list[str], look_of: Callable[[str], str]) -> alt.Scale:
    """Rows -> the look of their method, the same on every page."""
    methods = dict(zip(frame["row"], frame["method"], strict=True))
    return alt.Scale(domain=rows, range=[look_of(methods[row]) for row in rows])


def _range(frame: pd.DataFrame, also: list[float]) -> list[float]:
    """Everything that is drawn, with a margin."""
    values = pd.concat([frame["value"], frame["low"], frame["high"], pd.Series(also, dtype=float)])
    margin = max(values.max() - values.min(), SMALLEST_SHARE * values.max()) * 0.08
    return [values.min() - margin, values.max() + margin]


def _tooltip(title: str, format: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("row:N", title="Row"),
        alt.Tooltip("who:N", title="Whose"),
        alt.Tooltip("value:Q", title=title, format=format),
        alt.Tooltip("low:Q", title="Lowest", format=format),
        alt.Tooltip("high:Q", title="Highest", format=format),
        alt.Tooltip("seeds:Q", title="Seeds", format="d"),
    ]
