"""The paper's figures and the user's as frames: the printed table, its chart, and what differs."""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from app.charts.paper import OWN, PAPER
from app.text import seed_list, short_model
from finegates.results.paper import PaperCell, full_score
from finegates.results.paper_runs import Comparison, wanted_settings
from finegates.results.points import Point

DIFFERENCE = "yours − paper"
SCORE, RELATIVE = "Score", "Percent of full fine-tuning"
VIEWS = (SCORE, RELATIVE)
DIGITS = {SCORE: 3, RELATIVE: 1}
"""Decimals: of scores as on every page, of percent as the paper has them."""
CHART_COLUMNS = ("row", "method", "who", "value", "low", "high", "seeds")


def value_of(cell: PaperCell, view: str) -> float | None:
    """The paper's figure in [0, 1], or in percent of the paper's full fine-tuning."""
    if view == SCORE:
        return cell.score / 100
    whole = full_score(cell)
    return None if whole is None else 100 * cell.score / whole


def own_value(point: Point, view: str, score: float | None) -> float | None:
    """The same of the user's, for one of the point's scores in [0, 1]."""
    if view == SCORE:
        return score
    if score is None or point.relative_to_full is None or not point.median:
        return None
    return point.relative_to_full * score / point.median


def printed_table(comparisons: Sequence[Comparison], view: str) -> pd.DataFrame:
    """Rows of the paper, each followed by the user's median and the difference where there is one.

    Columns are ``row``, ``trained``, ``who`` and the tasks as printed.
    """
    tasks = [*dict.fromkeys(c.cell.printed_task for c in comparisons)]
    rows: list[dict[str, Any]] = []
    for name in dict.fromkeys(c.cell.row for c in comparisons):
        of_row = {c.cell.printed_task: c for c in comparisons if c.cell.row == name}
        trained = next(iter(of_row.values())).cell.trained_parameters or None
        lines = {
            PAPER: {task: value_of(c.cell, view) for task, c in of_row.items()},
            OWN: {task: _own(c, view) for task, c in of_row.items()},
            DIFFERENCE: {task: _difference(c, view) for task, c in of_row.items()},
        }
        for who, values in lines.items():
            if who == PAPER or any(v is not None for v in values.values()):
                shown = {"row": name, "trained": trained if who == PAPER else "", "who": who}
                rows.append(shown | {task: values.get(task) for task in tasks})
    frame = pd.DataFrame(rows, columns=["row", "trained", "who", *tasks])
    frame[tasks] = frame[tasks].astype(float)
    return frame


def chart_frame(comparisons: Iterable[Comparison], view: str) -> pd.DataFrame:
    """A row for each figure of the paper and each of the user's, with the range over seeds.

    Args:
        comparisons: Of one task of a table.
        view: One of `VIEWS`.
    """
    rows: list[tuple[Any, ...]] = []
    for c in comparisons:
        place = (c.cell.row, c.cell.method or "")
        if (value := value_of(c.cell, view)) is not None:
            rows.append((*place, PAPER, value, None, None, None))
        if (own := _own(c, view)) is not None:
            point = c.own[0]
            low, high = (own_value(point, view, score) for score in (point.low, point.high))
            rows.append((*place, OWN, own, low, high, len(point.seeds)))
    frame = pd.DataFrame(rows, columns=list(CHART_COLUMNS))
    numbers = ["value", "low", "high", "seeds"]
    frame[numbers] = frame[numbers].astype(float)
    return frame


def cell_table(comparisons: Iterable[Comparison], view: str) -> pd.DataFrame:
    """A row for each cell that has runs, finished or under way; runs of other tuning one each."""
    rows: list[dict[str, Any]] = []
    for c in comparisons:
        for point in c.own or ([None] if c.under_way else []):
            first = not c.own or point is c.own[0]
            rows.append(_cell_row(c, point, view) | _to_come(c if first else Comparison(c.cell)))
    return pd.DataFrame(rows)


def _cell_row(c: Comparison, point: Point | None, view: str) -> dict[str, Any]:
    paper = value_of(c.cell, view)
    median, low, high = _range(point, view) if point else (None, None, None)
    return {
        "row": c.cell.row,
        "task": c.cell.printed_task,
        "paper": paper,
        "median": median,
        "low": low,
        "high": high,
        "difference": None if median is None or paper is None else median - paper,
        "seeds": len(point.seeds) if point else 0,
        "with": _tuning(c.cell, point),
    }


def _range(point: Point, view: str) -> tuple[float | None, float | None, float | None]:
    """Median, lowest and highest."""
    median, low, high = (own_value(point, view, s) for s in (point.median, point.low, point.high))
    return median, low, high


def _to_come(c: Comparison) -> dict[str, str]:
    return {"under_way": seed_list(c.under_way), "missing": seed_list(c.missing if c.own else ())}


def _tuning(cell: PaperCell, point: Point | None) -> str:
    """What was chosen for these runs besides what the cell asks for."""
    if point is None:
        return ""
    asked = {f"{name}={value}" for name, value in wanted_settings(cell).items()}
    chosen = f"{point.variant}, {point.shared}".split(", ")
    return ", ".join(word for word in chosen if word and word not in asked)


def missing_table(comparisons: Iterable[Comparison]) -> pd.DataFrame:
    """A row for each cell that a method here can fill: seeds that are done, and those to run."""
    return pd.DataFrame(
        [
            {
                "row": c.cell.row,
                "method": c.cell.method,
                "target": 100 * c.cell.target,
                "done": len(c.own[0].seeds) if c.own else 0,
                "under_way": seed_list(c.under_way),
                "missing": seed_list(c.missing),
            }
            for c in comparisons
            if c.cell.method
        ]
    )


def other_runs_table(found: Iterable[tuple[Point, str]]) -> pd.DataFrame:
    """Runs of the user's on the same tasks that are not the paper's cells, and why not."""
    return pd.DataFrame(
        [
            {
                "model": short_model(p.model),
                "task": p.data_name,
                "method": p.method,
                "target": 100 * p.target,
                "median": p.median,
                "low": p.low,
                "high": p.high,
                "seeds": len(p.seeds),
                "relative": p.relative_to_full,
                "why": why,
            }
            for p, why in found
        ]
    )


def _own(c: Comparison, view: str) -> float | None:
    return own_value(c.own[0], view, c.own[0].median) if c.own else None


def _difference(c: Comparison, view: str) -> float | None:
    own, paper = _own(c, view), value_of(c.cell, view)
    return None if own is None or paper is None else own - paper
