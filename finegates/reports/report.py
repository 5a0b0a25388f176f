"""A run or a group as one HTML file for a colleague: everything in it, nothing loaded by it.

The figures can be zoomed and hovered over without a network; plotly.js is in the file once. Texts
of runs, data and notes are shown as they are, never as HTML. Loads no torch.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from finegates import __version__
from finegates.errors import RunError
from finegates.groups.file import Group
from finegates.reports.html import Html, joined, page, section, table, tag
from finegates.reports.run import whole_run
from finegates.reports.several import in_short, medians, runs_table
from finegates.reports.words import NOTHING
from finegates.results.aggregate import group_points, points, run_rows
from finegates.runs.folder import Run

_PAPERS = ("2412.12951", "2602.09169")


def run_report(run: Run) -> str:
    """A report of one run, in any state.

    Raises:
        RunError: If its spec or status can't be read.
        FineGatesError: If plotly is not installed.
    """
    parts = whole_run(run)
    return page(run.row()["name"], parts, _footer())


def group_report(group: Group, runs_dir: Path) -> str:
    """A report of a group: medians over seeds with what is missing, and each run in short.

    Args:
        group: From `finegates.groups.store.open_group`.
        runs_dir: The runs folder.

    Raises:
        RunError: If the group's file is damaged.
        FineGatesError: If plotly is not installed.
    """
    if group.problem:
        raise RunError(group.problem)
    cells = [(cell.method, cell.target, cell.seed, cell.run) for cell in group.cells]
    there = [Run(runs_dir / name) for name in group.runs if (runs_dir / name).is_dir()]
    told = [
        tag("p", f"A group of {len(cells)} runs, made {group.created}.", class_="faint"),
        tag("pre", group.command),
        _settings(group.settings),
    ]
    found = medians(group_points(group, runs_dir))
    return _of_several(f"Group {group.name}", told, found, cells, there, runs_dir)


def runs_report(runs: Sequence[Run], title: str = "") -> str:
    """A report of any runs, compared: medians over the seeds that exist, and each run in short.

    Args:
        runs: At least one, of one runs folder; those that can't be read are named.
        title: Its heading; their number if none is given.

    Raises:
        FineGatesError: If plotly is not installed.
    """
    cells = [_cell(run.row()) for run in runs]
    found = medians(points(run_rows(runs)))
    return _of_several(title or f"{len(runs)} runs", [], found, cells, runs, runs[0].path.parent)


def _cell(row: Mapping[str, Any]) -> tuple[str, float, Any, str]:
    seed = NOTHING if row["seed"] is None else row["seed"]
    return row["method"] or NOTHING, row["target_fraction"] or 0.0, seed, row["run"]


def _of_several(
    title: str, told: list[Html], found: Html, cells: Any, runs: Sequence[Run], folder: Path
) -> str:
    return page(
        title,
        tag("h1", title),
        joined(told),
        found,
        section("Runs", runs_table(cells, folder)),
        section("Each run in short", in_short(runs)),
        _footer(),
    )


def _settings(settings: Any) -> Html:
    if not settings:
        return Html("")
    rows = [(name, ", ".join(map(str, v)) if isinstance(v, list) else v)
            for name, v in settings.items()]  # fmt: skip
    return table(["setting of all runs", "chosen"], rows)


def _footer() -> Html:
    links = [
        tag("a", f"arXiv {n}", href=f"https://arxiv.org/abs/{n}", rel="noreferrer") for n in _PAPERS
    ]
    made = (
        f"Made by FineGates Studio {__version__} on {time.strftime('%Y-%m-%d %H:%M %Z')}. Papers: "
    )
    return tag("p", made, links[0], ", ", links[1], ".", class_="faint")
