"""Score and time of one run over the weights that are removed, without training it again."""

from typing import Any

import altair as alt
import pandas as pd

from app.charts import style
from app.words import metric_name
from finegates.data.metric_kinds import score_text

HEIGHT = 400
KINDS = {"budget": "circle", "threshold": "triangle-up", "as trained": "diamond"}
EXPLANATIONS = {
    "score": "Each point is the smaller model, scored on the validation rows; nothing was trained "
    "again. The dashed line is the run with every gate open.",
    "partial": "A hollow point was scored on a part of the rows so far: the bar is where its score "
    "on all of them is, with 95 % confidence.",
    "time": "Time of one pass of the smaller model over that of the dense one, side by side in one "
    "process: below 1 is faster. The small dash is the ceiling, the multiply-accumulates that are "
    "left, or of decoding the bytes that are read; the bar goes from the 10th to the 90th "
    "percentile.",
}


def score_curve(
    frame: pd.DataFrame, here: float, dense: float | None, metric: str
) -> alt.LayerChart:
    """Score over removed weights.

    Args:
        frame: From `app.prune.frames.score_frame`.
        here: Fraction removed by the cut that is looked at.
        dense: Score of nothing removed, if known.
        metric: What the scores are.
    """
    unsure = frame.dropna(subset=["low", "high"])
    scores = [*frame["score"], *unsure["low"], *unsure["high"], *([] if dense is None else [dense])]
    low, high = style.score_range(metric, min(scores), max(scores))
    y: dict[str, Any] = {
        "scale": style.score_scale(metric, low, high),
        "axis": alt.Axis(title=metric_name(metric), format=style.SCORE_AXIS),
    }
    base = alt.Chart(frame).encode(x=_removed_axis(), y=alt.Y("score:Q", **y))
    partial = alt.datum.rows != "all"
    points = base.mark_point(size=70, opacity=0.9, strokeWidth=1.5, color=style.BLUE).encode(
        fillOpacity=alt.condition(partial, alt.value(0), alt.value(1)),
        fill=alt.value(style.BLUE),
        shape=alt.Shape(
            "kind:N",
            scale=alt.Scale(domain=list(KINDS), range=list(KINDS.values())),
            legend=alt.Legend(title=None, orient="bottom"),
        ),
        tooltip=[
            alt.Tooltip("cut:N", title="Cut"),
            alt.Tooltip("score:Q", title="Score", format=style.SCORE),
            alt.Tooltip("rows:N", title="On rows"),
            alt.Tooltip("low:Q", title="At least", format=style.SCORE),
            alt.Tooltip("high:Q", title="At most", format=style.SCORE),
            alt.Tooltip("removed:Q", title="Weights removed", format=".1%"),
            alt.Tooltip("closed:Q", title="Gates closed", format=".1%"),
            alt.Tooltip("params:Q", title="Parameters", format=","),
            alt.Tooltip("mac_ratio:Q", title="Fewer multiply-accumulates", format=".2f"),
        ],
    )
    line = base.mark_line(color=style.BLUE, opacity=0.5, strokeWidth=1.5)
    layers = [line, points, style.upright(here, "here")]
    if len(unsure):
        bars = alt.Chart(unsure).mark_rule(color=style.BLUE, strokeWidth=4, opacity=0.3)
        layers.insert(0, bars.encode(x=_removed_axis(), y=alt.Y("low:Q", **y), y2=alt.Y2("high:Q")))
    if dense is not None:
        layers.append(style.rule(dense, f"every gate open {score_text(dense, metric)}"))
    return style.layered(*layers).properties(height=HEIGHT)


def time_curve(frame: pd.DataFrame, here: float) -> alt.LayerChart:
    """Relative time over removed weights, one colour for each batch x length.

    Args:
        frame: From `app.prune.frames.time_frame`.
        here: Fraction removed by the cut that is looked at.
    """
    shapes = list(dict.fromkeys(frame["shape"]))
    colors = [style.BLUE, style.ORANGE, style.GREEN, style.PINK, style.RED, style.SKY]
    base = alt.Chart(frame).encode(
        x=_removed_axis(),
        color=alt.Color(
            "shape:N",
            scale=alt.Scale(domain=shapes, range=[colors[i % 6] for i in range(len(shapes))]),
            legend=alt.Legend(title="Rows x tokens", orient="bottom"),
        ),
    )
    y_axis = alt.Axis(title="Time, dense is 1", format="~g")
    scale = alt.Scale(domain=[0, max(1.1, float(frame["high"].max()))], nice=True)
    bars = base.mark_rule(strokeWidth=4, opacity=0.3).encode(
        y=alt.Y("low:Q", scale=scale, axis=y_axis), y2=alt.Y2("high:Q")
    )
    points = base.mark_point(filled=True, size=80, opacity=0.95).encode(
        y=alt.Y("factor:Q", scale=scale, axis=y_axis),
        tooltip=[
            alt.Tooltip("shape:N", title="Rows x tokens"),
            alt.Tooltip("factor:Q", title="Time, dense is 1", format=".2f"),
            alt.Tooltip("ceiling:Q", title="Ceiling", format=".2f"),
            alt.Tooltip("removed:Q", title="Weights removed", format=".1%"),
            alt.Tooltip("dtype:N", title="Precision"),
            alt.Tooltip("hardware:N", title="Measured on"),
        ],
    )
    ceilings = base.mark_tick(orient="horizontal", thickness=2, size=22).encode(
        y=alt.Y("ceiling:Q", scale=scale, axis=y_axis)
    )
    layers = [style.rule(1, "dense"), bars, ceilings, points, style.upright(here, "here")]
    return style.layered(*layers).properties(height=HEIGHT)


def _removed_axis() -> alt.X:
    return alt.X(
        "removed:Q",
        axis=style.percent_axis("Weights removed", tickCount=8),
        scale=alt.Scale(domain=[0, 1], nice=False),
    )
