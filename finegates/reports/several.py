"""What a report shows of several runs: medians over seeds, Figure 2, and each run in short."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from finegates.reports import words
from finegates.reports.figures import axis, figure, label, numbers, score_axis
from finegates.reports.html import Figure, Html, figures, joined, section, table, tag
from finegates.reports.palette import GRAY, HEXAGON, METHOD_LOOKS, STAR
from finegates.reports.run import attempt, short_run
from finegates.results.points import TRAINED, Point
from finegates.results.tables import Block, Table, blocks_of, is_dense, row_name
from finegates.runs.folder import Run

_SYMBOLS = {HEXAGON: "hexagon2", STAR: "star"}
"""Shapes that are paths in Vega -> what plotly.js calls them."""


def medians(points: Sequence[Point]) -> Html:
    """For each data set and model its figure and its tables, with what is missing."""
    places: dict[tuple[str, str, str], list[Point]] = {}
    for point in points:
        places.setdefault((point.data_name, point.metric, point.model), []).append(point)
    parts = [
        section(
            f"{words.metric_name(metric) if metric else 'Score'} on {data}, {model}",
            tag("div", figures(figure_2(of_place)), class_="tall"),
            joined(_block(block) for block in blocks_of(of_place)),
        )
        for (data, metric, model), of_place in places.items()
    ]
    return joined(parts or [tag("p", "No run has finished yet.", class_="faint")])


def figure_2(points: Sequence[Point]) -> Figure | None:
    """The score over the weights removed: medians, and the range over seeds."""
    scored = [point for point in points if point.median is not None]
    if not scored:
        return None
    lines: dict[str, list[Point]] = {}
    for point in scored:
        lines.setdefault(row_name(point), []).append(point)
    end = max(0.1, *(1.05 * _removed(point) for point in scored))
    data = [_trace(name, of_line, end) for name, of_line in lines.items()]
    about = (
        "Medians over seeds, bars from the lowest to the highest seed; dashed: one training, "
        "rounded afterwards, or a dense model that removes nothing. Click a name to hide it."
    )
    x = axis("weights removed", percent=True, range=[-0.01, end])
    y = score_axis(scored[0].metric)
    return figure("Score against weights removed", about, data, x, y)


def _trace(name: str, points: Sequence[Point], end: float) -> dict[str, Any]:
    points = sorted(points, key=_removed)
    first, dense = points[0], is_dense(points[0]) and points[0].kind == TRAINED
    color, shape = METHOD_LOOKS.get(first.method, (GRAY, "circle"))
    y = [point.median for point in points]
    x = [0.0, end] if dense else [_removed(point) for point in points]
    above = [(p.high or 0) - (p.median or 0) for p in points]
    below = [(p.median or 0) - (p.low or 0) for p in points]
    bars = {"type": "data", "symmetric": False, "array": numbers(above),
            "arrayminus": numbers(below), "thickness": 1.5, "width": 4}  # fmt: skip
    return {
        "type": "scatter", "name": label(name), "x": numbers(x),
        "y": numbers(y * 2 if dense else y), "mode": "lines" if dense else "lines+markers",
        "line": {"color": color, "width": 2,
                 "dash": "dash" if dense or first.kind != TRAINED else "solid"},
        "marker": {"symbol": _SYMBOLS.get(shape, shape), "size": 9},
        "error_y": {**bars, "visible": not dense and any(len(p.seeds) > 1 for p in points)},
    }  # fmt: skip


def _removed(point: Point) -> float:
    return point.target if point.removed is None else point.removed


def _block(block: Block) -> Html:
    parts: list[Any] = [tag("p", block.title)]
    parts += [_table(each) for each in block.tables]
    parts += [tag("p", note, class_="note") for note in block.notes]
    return joined(parts)


def _table(shown: Table) -> Html:
    return table(shown.header, shown.rows)


def runs_table(rows: Iterable[tuple[str, float, Any, str | None]], folder: Path) -> Html:
    """A line for each run with a link to its short section.

    Args:
        rows: Method, target, seed, and the run's id, or None if no run exists.
        folder: The runs folder.
    """
    header = ["method", "target", "seed", "state", "score", "weights removed", "run"]
    return table(header, [_run_cells(*row, folder) for row in rows])


def _run_cells(method: str, target: float, seed: Any, run: str | None, folder: Path) -> list[Any]:
    asked = [method, words.percent(target, 0), seed]
    if run is None or not (folder / run).is_dir():
        what = "not started" if run is None else f"{run} was deleted"
        return [*asked, what, words.NOTHING, words.NOTHING, words.NOTHING]
    row = Run(folder / run).row()
    removed = words.percent(row["removed_weights_fraction"])
    link = tag("a", row["name"], href=f"#run-{run}", title=run)
    return [*asked, row["status"], words.score(row["score"], row["metric"]), removed, link]


def in_short(runs: Iterable[Run]) -> Html:
    """Each run on its own; one that can't be read says why."""
    return joined(attempt(lambda run=run: short_run(run)) for run in runs)  # type: ignore[misc]
