"""Draws the frontier's picture and writes its table into the README, from the JSON alone.

    python -m benchmarks.frontier.report

Reads benchmarks/results/frontier.json; writes docs/frontier.png and what stands between the two
marks in README.md.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.frontier.picture import picture
from benchmarks.frontier.plan import DENSE, TASK_NAMES, reaches_no_budget
from benchmarks.record import read_result

ROOT = Path(__file__).resolve().parents[2]
START, END = "<!-- frontier: made by benchmarks/frontier/report.py -->", "<!-- end of frontier -->"
PICTURE = "docs/frontier.png"
SCALE = 2
NOTHING = "–"

Point = Mapping[str, Any]


def main() -> None:
    """Writes picture and table."""
    result = read_result("frontier.json")
    picture(result["points"]).save(ROOT / PICTURE, scale_factor=SCALE)
    readme = ROOT / "README.md"
    before, _, rest = readme.read_text().partition(START)
    _, _, after = rest.partition(END)
    readme.write_text(f"{before}{START}\n{tables(result['points'])}\n{END}{after}")


def tables(points: Iterable[Point]) -> str:
    """A Markdown table for each task, in the order of the points."""
    by_task: dict[str, list[Point]] = {}
    for point in points:
        if not reaches_no_budget(point):
            by_task.setdefault(point["task"], []).append(point)
    return "\n\n".join(_table(task, of_task) for task, of_task in by_task.items())


def label(point: Point) -> str:
    """A method's name, with what was done to it afterwards."""
    if point["kind"] == "trained":
        return point["method"]
    dense = point["method"] in DENSE
    return f"{point['method']}, smallest norms closed" if dense else f"{point['method']}, rounded"


def _table(task: str, points: list[Point]) -> str:
    targets = sorted({p["target"] for p in points if p["target"] or p["method"] in DENSE})
    cells = {(label(p), p["target"]): p for p in points}
    metric = points[0]["metric"]
    head = [f"{TASK_NAMES.get(task, task)}, {metric}", *(f"{t:.0%}" for t in targets)]
    rows = [head, ["---", *("---:" for _ in targets)]]
    for name in dict.fromkeys(label(p) for p in points):
        rows.append([name, *(_cell(cells.get((name, target))) for target in targets)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows if any(c != NOTHING for c in row[1:]))


def _cell(point: Point | None) -> str:
    """Median in percent and, if there are several seeds, the lowest and highest."""
    if point is None or point["median"] is None:
        return NOTHING
    median, low, high = (f"{100 * point[k]:.1f}" for k in ("median", "low", "high"))
    return median if low == high else f"{median} ({low}–{high})"


if __name__ == "__main__":
    main()
