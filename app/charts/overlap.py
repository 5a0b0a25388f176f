"""How much several runs share of what they keep: run by run, and pair by matrix."""

import altair as alt
import pandas as pd

ROW_HEIGHT = 34
_SCALE = alt.Scale(domain=[0, 1], clamp=True)
_TOOLTIP = [
    alt.Tooltip("jaccard:Q", title="Overlap (Jaccard)", format=".3f"),
    alt.Tooltip("chance:Q", title="By chance", format=".3f"),
    alt.Tooltip("above:Q", title="Above chance", format=".1%"),
    alt.Tooltip("z:Q", title="z", format=".1f"),
]


def run_by_run(frame: pd.DataFrame, names: list[str], dark: bool) -> alt.LayerChart:
    """A cell for each pair of runs, coloured by the overlap above chance.

    Args:
        frame: From `app.overlap_frames.square`.
        names: Of the runs, in order.
        dark: Whether the page is dark, for the colour of the numbers.
    """
    axis = alt.Axis(title=None, labelLimit=260)
    base = alt.Chart(frame).encode(
        x=alt.X("number:O", axis=alt.Axis(title=None, labelAngle=0, orient="top", ticks=False)),
        y=alt.Y("name:N", sort=names, axis=axis),
        tooltip=[
            alt.Tooltip("name:N", title="Run"),
            alt.Tooltip("other:N", title="And"),
            *_TOOLTIP,
        ],
    )
    return _cells(base, len(names), dark)


def pair_by_kind(frame: pd.DataFrame, kinds: list[str], dark: bool) -> alt.LayerChart:
    """A row for each pair of runs, a column for each kind of gate vector.

    Args:
        frame: From `app.overlap_frames.by_kind`.
        kinds: In order.
        dark: Whether the page is dark, for the colour of the numbers.
    """
    pairs = list(dict.fromkeys(frame["pair"]))
    base = alt.Chart(frame).encode(
        x=alt.X(
            "kind:N", sort=kinds,
            axis=alt.Axis(title=None, labelAngle=0, orient="top", ticks=False),
        ),
        y=alt.Y("pair:N", sort=pairs, axis=alt.Axis(title=None, ticks=False)),
        tooltip=[
            alt.Tooltip("pair:N", title="Runs"), alt.Tooltip("kind:N", title="Of"), *_TOOLTIP,
        ],
    )  # fmt: skip
    return _cells(base, len(pairs), dark)


def _cells(base: alt.Chart, rows: int, dark: bool) -> alt.LayerChart:
    cells = base.mark_rect(cornerRadius=2).encode(
        color=alt.Color("above:Q", scale=_SCALE, legend=None)
    )
    low, high = ("#e6eaf0", "#12161c") if dark else ("#1b2430", "#ffffff")
    numbers = base.mark_text(fontSize=12).encode(
        text="label:N", color=alt.condition("datum.above > 0.5", alt.value(high), alt.value(low))
    )
    return (cells + numbers).properties(height=ROW_HEIGHT * rows + 40)


EXPLANATIONS = {
    "runs": "In each cell the overlap and, after the stroke, what chance gives. Colour is how far "
    "it is above chance: pale is luck, dark is the same sub-network.",
    "kinds": "The same by matrix and side, above chance: 0 % is what random choices of as many "
    "dimensions share, 100 % is all. A dash: nothing is left to chance there.",
}
