"""Which colour and which dashes a run has: the same on every page, whatever else is shown."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from pathlib import Path

from app.charts.compare import COLORS, NUM_LOOKS, color_of_run, dash_of_run
from app.reading.runs import binned_runs, run_ids


def looks_of(folder: Path, runs: Sequence[str]) -> list[int]:
    """The look of each of these runs among all of the folder's, by `look_numbers`."""
    deleted = (binned.id for binned in binned_runs(folder))
    return look_numbers(runs, (*run_ids(folder), *deleted))


def look_numbers(chosen: Sequence[str], every: Iterable[str]) -> list[int]:
    """The look of each chosen run: how many runs are older, counted round the colours.

    So a run keeps its colour when others are added, and runs made one after the other, which are
    those that are watched together, have different ones. Where two chosen runs would look the
    same, the later one takes other dashes, or if these are used up the next look that is free.

    Args:
        chosen: Ids, at most `app.charts.compare.MOST_RUNS`.
        every: Ids of all runs of the folder, deleted ones too.
    """
    place = {run: number for number, run in enumerate(sorted({*every, *chosen}))}
    looks: dict[str, int] = {}
    for run in sorted(chosen):
        color = place[run] % len(COLORS)
        tried = (*range(color, NUM_LOOKS, len(COLORS)), *range(NUM_LOOKS))
        looks[run] = next(number for number in tried if number not in looks.values())
    return [looks[run] for run in chosen]


def swatch(number: int) -> str:
    """A look as a small picture, an SVG in a data address."""
    dash = " ".join(str(2 * length) for length in dash_of_run(number))
    svg = (
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 40 20'><line x1='2' y1='10' x2='38' "
        f"y2='10' stroke='{color_of_run(number)}' stroke-width='7' stroke-dasharray='{dash}'/>"
        "</svg>"
    )
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"
