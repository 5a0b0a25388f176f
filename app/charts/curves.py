"""Sparsity over the steps of one run, and how to read the curves of the Live page."""

import math
from functools import lru_cache
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from app.charts import style
from app.charts.compare import BESIDE_LAST, LINES, STEP_OF_TOP
from app.charts.zoom import zoom
from app.words import TERMS
from finegates.reports.envelope import envelope

HEIGHT = 280
MAX_POINTS = 400
"""Of each of the four lines."""
ROUNDED = ("rounded:", "lowest gates", "closed, up to", "the target")
"""What happened at the step that is marked, in lines."""
LINE = 13
"""Height of a line of text, in pixels."""
ROOM_UNTIL = 0.75
"""Share of the steps until which these words have room to the right of the mark."""

SPARSITY_LINES = {
    "Target so far": ("current_target", style.GRAY, [2, 3]),
    "Expected removed": ("expected_removed", style.SKY, [6, 3]),
    "Weights removed": ("removed_weights_fraction", style.BLUE, [1, 0]),
    "Gates closed": ("closed_gates_fraction", style.ORANGE, [1, 0]),
}


def sparsity(train: pd.DataFrame, target: float, total_steps: int) -> dict[str, Any]:
    """Removed weights, expected removed weights and closed gates against the target.

    Returns:
        The Vega-Lite specification with its data, as `app.charts.compare.overlay` gives it.
    """
    columns = {column: name for name, (column, _, _) in SPARSITY_LINES.items()}
    few = envelope(train, "removed_weights_fraction", MAX_POINTS)
    frame = few[["step", *columns]].rename(columns=columns)
    long = frame.melt("step", var_name="what", value_name="fraction").dropna()
    most = float(long["fraction"].max()) if len(long) else 0.0
    top = max(0.1, target * 1.15, most * 1.05)
    top = min(style.TOP, math.ceil(top / STEP_OF_TOP) * STEP_OF_TOP)
    specification = _sparsity(max(1, total_steps), top, rounding_step(train))
    return specification | {"datasets": {LINES: long}}


@lru_cache(maxsize=32)
def _sparsity(total_steps: int, top: float, rounded_at: int | None) -> dict[str, Any]:
    names = list(SPARSITY_LINES)
    base = alt.Chart(alt.NamedData(LINES)).encode(
        x=_step_axis(total_steps),
        y=alt.Y(
            "fraction:Q",
            axis=style.percent_axis(None),
            scale=alt.Scale(domain=[0, top], nice=False),
        ),
        color=alt.Color(
            "what:N",
            scale=alt.Scale(domain=names, range=[c for _, c, _ in SPARSITY_LINES.values()]),
            legend=alt.Legend(
                title=None, orient="bottom", columns=2, symbolType="stroke", offset=0
            ),
        ),
    )
    dash = alt.StrokeDash(
        "what:N",
        scale=alt.Scale(domain=names, range=[d for _, _, d in SPARSITY_LINES.values()]),
        legend=None,
    )
    lines = base.mark_line(strokeWidth=2.2, clip=True).encode(strokeDash=dash)
    hover = base.mark_point(size=80, opacity=0, clip=True).encode(
        tooltip=[
            alt.Tooltip("step:Q", title="Step"),
            alt.Tooltip("what:N", title="Line"),
            alt.Tooltip("fraction:Q", title="Fraction", format=".1%"),
        ]
    )
    layers = lines + hover.add_params(zoom())
    if rounded_at is not None:
        layers += _rounding(rounded_at, at_right=rounded_at < ROOM_UNTIL * total_steps)
    return layers.properties(height=HEIGHT).to_dict(validate=False)


def _rounding(step: int, at_right: bool) -> alt.LayerChart:
    """The step from which gates stay closed, and what that means, where the lines are not."""
    data = alt.Data(values=[{"x": step, "label": "\n".join(ROUNDED)}])
    base = alt.Chart(data).encode(
        x=alt.X("x:Q"), tooltip=[alt.Tooltip("x:Q", title="Rounded at step"), "label:N"]
    )
    line = base.mark_rule(color=style.GRAY, strokeDash=[4, 4], strokeWidth=1.5)
    text = base.mark_text(
        align="left" if at_right else "right", dx=5 if at_right else -5, dy=-(LINE * len(ROUNDED)),
        baseline="top", lineBreak="\n", lineHeight=LINE, color=style.GRAY, fontSize=11,
    ).encode(text=alt.Text("label:N"), y=alt.YValue("height"))  # fmt: skip
    return line + text


def rounding_step(train: pd.DataFrame) -> int | None:
    """The first logged step at which the gates were rounded to the target, if that has come."""
    expected = train["expected_removed"].notna()
    if not expected.any() or expected.iloc[-1]:
        return None
    last = int(np.flatnonzero(expected)[-1])
    return int(train["step"].iloc[last + 1])


def _step_axis(total_steps: int) -> alt.X:
    return alt.X(
        "step:Q",
        axis=alt.Axis(title="Step", tickMinStep=1, tickCount=5, grid=False),
        scale=alt.Scale(nice=False, domain=[0, BESIDE_LAST * total_steps]),
    )


EXPLANATIONS = {
    "loss": "Loss on the task, without the sparsity penalty. The faint line is each log as it is, "
    "the strong one their mean over the lines around it, where near ones count most.",
    "score": "The main metric on the validation rows. Better than the dashed line, the model has "
    "learned more than the most common answer, or a language model more than it knew.",
    "sparsity": "How much is closed and removed, against what the run asks for at this step. "
    + TERMS["expected"]
    + " At the step marked “rounded” the lowest gates are closed so that exactly the target is "
    "removed; from then on they stay closed.",
}

HOW_TO_READ = {
    "loss": "Lower is better. Strong: smoothed; faint: each log as it is.",
    "score": "Each point is an evaluation on the validation rows.",
    "sparsity": "The blue line should follow the dotted target and end on it.",
    "sparsities": "Each strong line should follow the faint one, its run's target at that step.",
}
