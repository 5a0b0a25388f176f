"""Survivors of each matrix, layer by layer, as bars."""

import altair as alt
import pandas as pd

from app.charts import style
from app.words import ROLE_NAMES

HEIGHT = 260
COLORS = dict(
    zip(
        ROLE_NAMES.values(),
        (style.BLUE, style.SKY, style.GREEN, style.ORANGE, style.PINK, style.RED),
        strict=True,
    )
)


def survivor_bars(frame: pd.DataFrame) -> alt.Chart:
    """Bars side by side in each layer, one for each matrix: the share of its gates that is open.

    Args:
        frame: From `app.gate_frames.survivors`, of one side only.
    """
    named = frame.assign(matrix=frame["role"].map(ROLE_NAMES))
    order = [name for name in ROLE_NAMES.values() if name in set(named["matrix"])]
    return (
        alt.Chart(named)
        .mark_bar(cornerRadiusEnd=1)
        .encode(
            x=alt.X("layer:O", axis=alt.Axis(title="Layer", labelAngle=0)),
            xOffset=alt.XOffset("matrix:N", sort=order),
            y=alt.Y(
                "share:Q",
                scale=alt.Scale(domain=[0, 1]),
                axis=style.percent_axis("Open", tickCount=5),
            ),
            color=alt.Color(
                "matrix:N",
                scale=alt.Scale(domain=order, range=[COLORS[name] for name in order]),
                legend=alt.Legend(title=None, orient="top"),
            ),
            tooltip=[
                alt.Tooltip("layer:O", title="Layer"),
                alt.Tooltip("matrix:N", title="Matrix"),
                alt.Tooltip("open:Q", title="Open gates", format=","),
                alt.Tooltip("gates:Q", title="Of", format=","),
                alt.Tooltip("share:Q", title="Open", format=".1%"),
            ],
        )
        .properties(height=HEIGHT)
    )


EXPLANATIONS = {
    "in": "Columns (inputs): which of the numbers that come in a matrix still reads.",
    "out": "Rows (outputs): which numbers it still puts out.",
}
