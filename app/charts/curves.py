"""Loss, score and sparsity over the steps of one run."""

import altair as alt
import pandas as pd

from app.charts import style
from app.words import TERMS, metric_name

HEIGHT = 280
SMOOTHING_ROWS = 8
MAX_POINTS = 400

SPARSITY_LINES = {
    "Target so far": ("current_target", style.GRAY, [2, 3]),
    "Expected removed": ("expected_removed", style.SKY, [6, 3]),
    "Weights removed": ("removed_weights_fraction", style.BLUE, [1, 0]),
    "Gates closed": ("closed_gates_fraction", style.ORANGE, [1, 0]),
}


def thin(frame: pd.DataFrame, limit: int = MAX_POINTS) -> pd.DataFrame:
    """At most this many rows, evenly taken, the last one among them."""
    stride = -(-len(frame) // limit)
    return frame if stride <= 1 else frame.iloc[::-1].iloc[::stride].iloc[::-1]


def loss(train: pd.DataFrame, total_steps: int) -> alt.LayerChart:
    """Task loss, raw and smoothed.

    Args:
        train: Columns ``step`` and ``task_loss``.
        total_steps: Where the x axis ends, so that it stands still while the run goes on.
    """
    frame = train[["step", "task_loss"]].dropna()
    frame = frame.assign(smoothed=frame["task_loss"].ewm(span=SMOOTHING_ROWS).mean())
    base = alt.Chart(thin(frame)).encode(x=_step_axis(total_steps))
    tooltip = [
        alt.Tooltip("step:Q", title="Step"),
        alt.Tooltip("task_loss:Q", title="Task loss", format=".3f"),
        alt.Tooltip("smoothed:Q", title="Smoothed", format=".3f"),
    ]
    y = alt.Y("task_loss:Q", title="Task loss", scale=alt.Scale(zero=False))
    raw = base.mark_line(opacity=0.35, strokeWidth=1.2, color=style.BLUE).encode(y=y)
    smooth = base.mark_line(strokeWidth=2.4, color=style.BLUE).encode(y="smoothed:Q")
    hover = base.mark_point(size=90, opacity=0).encode(y=y, tooltip=tooltip)
    return (raw + smooth + hover).properties(height=HEIGHT)


def score(
    evaluations: pd.DataFrame, metric: str, majority: float | None, total_steps: int
) -> alt.LayerChart:
    """The main metric at each evaluation, with the majority baseline as a line."""
    frame = evaluations[["step", "score", "rounded", "removed_weights_fraction"]].copy()
    frame["gates"] = ["rounded to the target" if r else "as trained" for r in frame["rounded"]]
    axis = alt.Axis(title=metric_name(metric), format=style.SCORE_AXIS)
    values = [*frame["score"].dropna(), *([] if majority is None else [majority])]
    scale = alt.Scale(domain=style.spread(min(values), max(values)), nice=True)
    base = alt.Chart(frame).encode(
        x=_step_axis(total_steps), y=alt.Y("score:Q", axis=axis, scale=scale)
    )
    line = base.mark_line(strokeWidth=2.4, color=style.GREEN)
    points = base.mark_point(filled=True, size=60, opacity=1, color=style.GREEN).encode(
        tooltip=[
            alt.Tooltip("step:Q", title="Step"),
            alt.Tooltip("score:Q", title=metric_name(metric), format=style.SCORE),
            alt.Tooltip("removed_weights_fraction:Q", title="Weights removed", format=".1%"),
            alt.Tooltip("gates:N", title="Gates"),
        ]
    )
    layers = line + points
    if majority is not None:
        layers += style.rule(majority, "majority baseline")
    return layers.properties(height=HEIGHT)


def sparsity(train: pd.DataFrame, target: float, total_steps: int) -> alt.LayerChart:
    """Removed weights, expected removed weights and closed gates against the target."""
    columns = {column: name for name, (column, _, _) in SPARSITY_LINES.items()}
    frame = thin(train[["step", *columns]]).rename(columns=columns)
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
    lines = base.mark_line(strokeWidth=2.2).encode(strokeDash=dash)
    hover = base.mark_point(size=80, opacity=0).encode(
        tooltip=[
            alt.Tooltip("step:Q", title="Step"),
            alt.Tooltip("what:N", title="Line"),
            alt.Tooltip("fraction:Q", title="Fraction", format=".1%"),
        ]
    )
    layers = lines + hover
    if (step := rounding_step(train)) is not None:
        layers += style.upright(step, "rounded")
    return layers.properties(height=HEIGHT)


def rounding_step(train: pd.DataFrame) -> int | None:
    """The first logged step at which the gates were rounded to the target, if that has come."""
    expected = train["expected_removed"].notna()
    if not expected.any() or expected.iloc[-1]:
        return None
    return int(train["step"][expected[::-1].idxmax() + 1 :].iloc[0])


def _step_axis(total_steps: int) -> alt.X:
    return alt.X(
        "step:Q",
        axis=alt.Axis(title="Step", tickMinStep=1, tickCount=5, grid=False),
        scale=alt.Scale(nice=False, domain=[0, max(1, total_steps)]),
    )


EXPLANATIONS = {
    "loss": "Loss on the task, without the sparsity penalty. The faint line is each log as it is, "
    "the strong one its running mean.",
    "score": "The main metric on the validation rows. Above the dashed line the model has learned "
    "more than the most common answer.",
    "sparsity": "How much is closed and removed, against what the run asks for at this step. "
    + TERMS["expected"]
    + " At the step marked “rounded” the lowest gates are closed so that exactly the target is "
    "removed; from then on they stay closed.",
}
