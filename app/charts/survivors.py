"""Survivors of each matrix, layer by layer, as bars.

The chart is its Vega-Lite specification as it is sent, as those of `app.charts.overlap` are.
"""

from collections.abc import Collection
from itertools import cycle
from typing import Any

from app.charts import style
from app.words import KIND_NAMES, ROTARY_PAIRS

HEIGHT = 260
COLORS = dict(
    zip(
        (*KIND_NAMES.values(), ROTARY_PAIRS),
        cycle((style.BLUE, style.SKY, style.GREEN, style.ORANGE, style.PINK, style.RED)),
        strict=False,
    )
)


def survivor_bars(matrices: Collection[str]) -> dict[str, Any]:
    """Bars side by side in each layer, one for each matrix: the share of its gates that is open.

    Its data is `app.snapshots.frames.survivors`', of one side only.

    Args:
        matrices: Names of the matrices that have gates there.
    """
    order = [name for name in COLORS if name in matrices]
    scale = {"domain": order, "range": [COLORS[name] for name in order]}
    open_axis = {"title": "Open", "format": "~%", "tickCount": 5, "labelFlush": False}
    return {
        "height": HEIGHT,
        "mark": {"type": "bar", "cornerRadiusEnd": 1},
        "encoding": {
            "x": _field(
                "place", "ordinal", sort={"field": "layer", "op": "min"},
                axis={"title": "Layer", "labelAngle": 0},
            ),
            "xOffset": _field("matrix", "nominal", sort=order),
            "y": _field("share", "quantitative", scale={"domain": [0, 1]}, axis=open_axis),
            "color": _field(
                "matrix", "nominal", scale=scale, legend={"title": None, "orient": "top"}
            ),
            "tooltip": [
                _field("place", "ordinal", title="Layer"),
                _field("matrix", "nominal", title="Matrix"),
                _field("open", "quantitative", title="Open gates", format=","),
                _field("gates", "quantitative", title="Of", format=","),
                _field("share", "quantitative", title="Open", format=".1%"),
            ],
        },
    }  # fmt: skip


def _field(name: str, kind: str, **options: Any) -> dict[str, Any]:
    return {"field": name, "type": kind, **options}


EXPLANATIONS = {
    "in": "Columns (inputs): which of the numbers that come in a matrix still reads.",
    "out": "Rows (outputs): which numbers it still puts out.",
    "whole": "Neurons, values, query-key pairs, heads, dimensions of the residual stream: what is "
    "gone, is gone from every matrix.",
    "attention": "Dimensions that attention reads and writes, or attention as a whole.",
    "ffn": "Dimensions that the feed-forward reads and writes, or the feed-forward as a whole.",
}
