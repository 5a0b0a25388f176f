"""How each line of the trade-off chart looks, the same in each of its layers."""

import math
from dataclasses import dataclass

import altair as alt
import pandas as pd

from app.charts import style

LONGEST_NAME = 320
"""Of a name in the legend, in pixels."""
LETTER_WIDTH, SYMBOL_WIDTH = 6.6, 34
"""Pixels: of a letter of the legend, a little generous, and of a symbol with its gaps."""
LEGEND_LINE = 30
"""Pixels that each further line of the legend needs below the plot."""


def looks_of(lines: pd.DataFrame, baselines: pd.DataFrame) -> pd.DataFrame:
    """Name, colour and shape of every line, in the order of the legend.

    A colour says which method it is; variants of a method's settings have shades of it, and shapes.
    """
    both = [lines[["series", "method"]], baselines[["series", "method"]]]
    frame = pd.concat(both).drop_duplicates("series").reset_index(drop=True)
    numbers = frame.groupby("method").cumcount()
    frame["color"] = [
        style.variant_color(method, number)
        for method, number in zip(frame["method"], numbers, strict=True)
    ]
    frame["shape"] = [
        style.variant_shape(method, number)
        for method, number in zip(frame["method"], numbers, strict=True)
    ]
    frame["in_legend"] = frame["series"].isin(lines["series"])
    return frame


@dataclass(frozen=True)
class Encodings:
    """Channels that the layers share.

    Attributes:
        looks: From `looks_of`.
        axis: Column of the x axis.
        width: Pixels that the legend may take: names that don't fit begin another line.
    """

    looks: pd.DataFrame
    axis: str
    x_axis: alt.Axis
    x_scale: alt.Scale
    y_axis: alt.Axis
    y_scale: alt.Scale
    width: int

    @property
    def x(self) -> alt.X:
        """The fraction."""
        return alt.X(f"{self.axis}:Q", axis=self.x_axis, scale=self.x_scale)

    def y(self, column: str) -> alt.Y:
        """A score."""
        return alt.Y(f"{column}:Q", axis=self.y_axis, scale=self.y_scale)

    @property
    def color(self) -> alt.Color:
        """Which method it is."""
        return alt.Color("series:N", scale=self._scale("color"), legend=self._legend)

    @property
    def shape(self) -> alt.Shape:
        """Which method, and which variant."""
        return alt.Shape("series:N", scale=self._scale("shape"), legend=self._legend)

    def _scale(self, what: str) -> alt.Scale:
        return alt.Scale(domain=list(self.looks["series"]), range=list(self.looks[what]))

    @property
    def legend_height(self) -> int:
        """Pixels that the lines of the legend beyond its first need."""
        lines = math.ceil(len(self._in_legend) / max(1, _columns(self._in_legend, self.width)))
        return LEGEND_LINE * max(0, lines - 1)

    @property
    def _in_legend(self) -> list[str]:
        """Baselines are named on the chart itself."""
        return list(self.looks["series"][self.looks["in_legend"]])

    @property
    def _legend(self) -> alt.Legend | None:
        values = self._in_legend
        if not values:
            return None
        return alt.Legend(
            title=None, orient="bottom", values=values, symbolOpacity=1,
            labelLimit=min(LONGEST_NAME, self.width - SYMBOL_WIDTH),
            columns=_columns(values, self.width),
        )  # fmt: skip


def _columns(names: list[str], width: int) -> int:
    """How many names stand side by side; all in one line if they fit."""
    needed = [SYMBOL_WIDTH + min(LONGEST_NAME, LETTER_WIDTH * len(name)) for name in names]
    return len(names) if sum(needed) <= width else max(1, int(width // max(needed)))
