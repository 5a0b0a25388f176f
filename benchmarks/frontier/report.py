"""The frontier's result, picture and table in the README, from the shipped runs alone.

    python -m benchmarks.frontier.report

Writes benchmarks/results/frontier.json, docs/frontier.png and what stands between the two marks in
README.md, where heads are fitted, and in docs/frontier.md, which has all.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.frontier.picture import picture
from benchmarks.frontier.plan import DENSE, EARLIER, TASK_NAMES, WORDS
from benchmarks.frontier.points import frontier
from benchmarks.record import write_result
from finegates.results.points import TRAINED

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "cached_runs"
RESULT, PICTURE = "frontier.json", "docs/frontier.png"
README, ALL = "README.md", "docs/frontier.md"
START, END = "<!-- frontier: made by benchmarks/frontier/report.py -->", "<!-- end of frontier -->"
SCALE = 2
NOTHING = "–"

Point = Mapping[str, Any]


def main() -> None:
    """Writes result, picture and table."""
    result = frontier(SHIPPED)
    write_result(RESULT, result)
    points = sorted(result["points"], key=_order)
    picture(points).save(ROOT / PICTURE, scale_factor=SCALE)
    _put(ROOT / README, tables(point for point in points if point["part"]))
    _put(ROOT / ALL, tables(points))
    print(json.dumps({"points": len(points), "tables": [README, ALL], "picture": PICTURE}))


def _put(page: Path, found: str) -> None:
    """Between the marks of a page."""
    before, _, rest = page.read_text().partition(START)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{START}\n{found}\n{END}{after}")


def _order(point: Point) -> tuple:
    """The best known recipe first, what was trained before heads were fitted last."""
    tasks, parts = [*TASK_NAMES], ["dense", "warm", "lora"]
    part = point["part"]
    place = parts.index(part) if part in parts else len(parts) + (not part)
    return tasks.index(point["task"]), place, part, point["method"], point["kind"] != TRAINED


def tables(points: Iterable[Point]) -> str:
    """A Markdown table for each task, in the order of the points."""
    by_task: dict[str, list[Point]] = {}
    for point in points:
        by_task.setdefault(point["task"], []).append(point)
    return "\n\n".join(_table(task, of_task) for task, of_task in by_task.items())


def label(point: Point) -> str:
    """A method's name, with where it starts and what was done to it afterwards."""
    words = [point["method"], WORDS.get(point["part"], "") if point["part"] else EARLIER]
    if point["kind"] != TRAINED:
        dense = point["method"] in DENSE
        words.append("smallest norms closed" if dense else "rounded")
    return ", ".join(filter(None, words))


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
    """Median in percent, the range of several seeds, and what is lost with its interval."""
    if point is None or point["median"] is None:
        return NOTHING
    median, low, high = (f"{100 * point[k]:.1f}" for k in ("median", "low", "high"))
    score = median if low == high else f"{median} ({low}–{high})"
    if "drop" not in point or not point["target"]:
        return score
    lost, least, most = (f"{100 * point[k]:.1f}" for k in ("drop", "drop_low", "drop_high"))
    return f"{score}; lost {lost} ({least} to {most})"


if __name__ == "__main__":
    main()
