"""What a model predicts for one text: a bar for each class."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from app.charts.style import GRAY

MOST_CLASSES = 8
_BAR = 28
"""Pixels of a class."""
_PADDING = {"left": 5, "right": 5, "top": 4, "bottom": 4}
"""Streamlit's own leaves room for an axis that is not there."""
_LABEL_WIDTH = 160


def prediction_bars(
    labels: Sequence[str], probabilities: Sequence[float], shown: Sequence[int], color: str
) -> alt.LayerChart:
    """Probabilities of some classes as bars, with their numbers.

    Args:
        labels: Class names in id order.
        probabilities: One for each, in [0, 1].
        shown: Ids of the classes to show, in their order.
        color: Of the bars.
    """
    frame = pd.DataFrame(
        {
            "label": [labels[i] for i in shown],
            "probability": [probabilities[i] for i in shown],
            "text": [f"{100 * probabilities[i]:.1f} %" for i in shown],
        }
    )
    base = alt.Chart(frame).encode(
        y=alt.Y(
            "label:N",
            sort=None,
            axis=alt.Axis(title=None, labelLimit=_LABEL_WIDTH, ticks=False, labelFlush=False),
            scale=alt.Scale(paddingInner=0.35, paddingOuter=0.15),
        )
    )
    x = alt.X("probability:Q", scale=alt.Scale(domain=[0, 1.2]), axis=None)
    bars = base.mark_bar(color=color, cornerRadiusEnd=3).encode(
        x=x, tooltip=[alt.Tooltip("label:N", title="Class"),
                      alt.Tooltip("probability:Q", title="Probability", format=".2%")],
    )  # fmt: skip
    texts = base.mark_text(align="left", dx=5, fontSize=12, color=GRAY).encode(
        x=x, text=alt.Text("text:N")
    )
    return (bars + texts).properties(height=_BAR * len(frame) + 8, padding=_PADDING)


def shown_classes(dense: Sequence[float], pruned: Sequence[float]) -> list[int]:
    """The likeliest classes of either model, the dense one's first choice first."""
    likeliest = sorted(range(len(dense)), key=lambda i: -max(dense[i], pruned[i]))[:MOST_CLASSES]
    return sorted(likeliest, key=lambda i: -dense[i])
