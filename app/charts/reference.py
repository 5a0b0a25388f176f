"""What the trade-off chart shows besides the user's runs: the Pareto front, the paper's points."""

import altair as alt
import pandas as pd

from app.charts import style
from app.charts.series import Encodings

QUOTED_SHAPES = {"roberta-base": "diamond", "roberta-large": "square"}


def front_line(front: pd.DataFrame, encodings: Encodings) -> list[alt.Chart]:
    """A broad quiet line through the front, and a large ring around each of its points.

    Args:
        front: From `app.tradeoff.frames.front`.
        encodings: Of the chart.
    """
    base = alt.Chart(front).encode(x=encodings.x, y=encodings.y("median"))
    line = base.mark_line(color=style.GRAY, strokeWidth=9, opacity=0.3, strokeCap="round")
    rings = base.mark_point(
        color=style.GRAY, size=330, filled=False, strokeWidth=1.6, opacity=0.95, shape="circle"
    )
    return [line.encode(order=alt.Order(f"{encodings.axis}:Q")), rings]


def quoted_points(quoted: pd.DataFrame, encodings: Encodings) -> list[alt.Chart]:
    """Hollow grey points with the paper's name of each row in the tooltip, a shape each model.

    Args:
        quoted: From `app.tradeoff.paper_points.quoted`.
        encodings: Of the chart.
    """
    return [
        _hollow(of_model, str(model), encodings)
        for model, of_model in quoted.groupby("model", sort=False)
    ]


def _hollow(quoted: pd.DataFrame, model: str, encodings: Encodings) -> alt.Chart:
    return (
        alt.Chart(quoted)
        .mark_point(
            filled=False, size=75, strokeWidth=1.5, color=style.GRAY, opacity=1,
            shape=QUOTED_SHAPES.get(model, "triangle-up"),
        )
        .encode(
            x=encodings.x,
            y=encodings.y("score"),
            tooltip=[
                alt.Tooltip("row:N", title="Row of the paper"),
                alt.Tooltip("model:N", title="Model"),
                alt.Tooltip("table:N", title="Printed in"),
                alt.Tooltip("rows:N", title="Training rows"),
                alt.Tooltip("score:Q", title="Score", format=style.SCORE),
                alt.Tooltip("removed:Q", title="Weights removed", format=".1%"),
            ],
        )
    )  # fmt: skip
