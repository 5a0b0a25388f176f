"""Sparsity over the steps of one run, and how to read the curves of the Live page."""

import altair as alt
import numpy as np
import pandas as pd

from app.charts import style
from app.charts.zoom import zoom
from app.words import TERMS
from finegates.reports.envelope import envelope

HEIGHT = 280
MAX_POINTS = 400
"""Of each of the four lines."""

SPARSITY_LINES = {
    "Target so far": ("current_target", style.GRAY, [2, 3]),
    "Expected removed": ("expected_removed", style.SKY, [6, 3]),
    "Weights removed": ("removed_weights_fraction", style.BLUE, [1, 0]),
    "Gates closed": ("closed_gates_fraction", style.ORANGE, [1, 0]),
}


def sparsity(train: pd.DataFrame, target: float, total_steps: int) -> alt.LayerChart:
    """Removed weights, expected removed weights and closed gates against the target."""
    columns = {column: name for name, (column, _, _) in SPARSITY_LINES.items()}
    few = envelope(train, "removed_weights_fraction", MAX_POINTS)
    frame = few[["step", *columns]].rename(columns=columns)
    long = frame.melt("step", var_name="what", value_name="fraction").dropna()
    names = list(SPARSITY_LINES)
    top = max(0.1, target * 1.15, float(long["fraction"].max() if len(long) else 0) * 1.05)
    base = alt.Chart(long).encode(
        x=_step_axis(total_steps),
        y=alt.Y(
            "fraction:Q",
            axis=style.percent_axis(None),
            scale=alt.Scale(domain=[0, min(1, top)], nice=True),
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
    if (step := rounding_step(train)) is not None:
        layers += style.upright(step, "rounded")
    return layers.properties(height=HEIGHT)


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
        scale=alt.Scale(nice=False, domain=[0, max(1, total_steps)]),
    )


EXPLANATIONS = {
    "loss": "Loss on the task, without the sparsity penalty. The faint line is each log as it is, "
    "the strong one their exponential moving average.",
    "score": "The main metric on the validation rows. Above the dashed line the model has learned "
    "more than the most common answer.",
    "sparsity": "How much is closed and removed, against what the run asks for at this step. "
    + TERMS["expected"]
    + " At the step marked “rounded” the lowest gates are closed so that exactly the target is "
    "removed; from then on they stay closed.",
}

HOW_TO_READ = {
    "loss": "Lower is better. Strong: smoothed; faint: each log as it is.",
    "score": "Higher is better. Each point is an evaluation on the validation rows.",
    "sparsity": "The blue line should follow the dotted target and end on it.",
    "sparsities": "Each strong line should follow the faint one, its run's target at that step.",
}
