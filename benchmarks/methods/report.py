"""The comparison's tables and picture in docs/methods.md, and its copy that the app reads.

    python -m benchmarks.methods.report

Reads benchmarks/results/methods_compared.json; writes what stands between the two marks in
docs/methods.md, docs/methods.png, and the copy in the package.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from benchmarks.methods.compare import RESULT
from benchmarks.methods.picture import picture
from benchmarks.record import RESULTS
from finegates.files.storage import read_json, write_json
from finegates.methods import METHODS
from finegates.results.compared import COMPARED_PATH, MethodScore, compared_of, method_scores

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT, PICTURE = "docs/methods.md", "docs/methods.png"
START = "<!-- methods: made by benchmarks/methods/report.py -->"
END = "<!-- end of methods -->"
SCALE = 2
NOTHING, FAILED, STUCK = "–", "failed", "†"
"""The last: of a seed whose model answers every row alike."""
Columns = list[Any]


def main() -> None:
    """Writes tables, picture and copy."""
    record = read_json(RESULTS / RESULT)
    scores = method_scores(compared_of(record).runs)
    picture(scores).save(ROOT / PICTURE, scale_factor=SCALE)
    document = ROOT / DOCUMENT
    document.write_text(between_marks(document.read_text(), tables(scores)))
    COMPARED_PATH.parent.mkdir(exist_ok=True)
    write_json(COMPARED_PATH, record)
    print(json.dumps({"scores": len(scores), "table": DOCUMENT, "picture": PICTURE}))


def between_marks(text: str, made: str) -> str:
    """The document with this in place of what stood between its marks."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{made}\n{END}{after}"


def tables(scores: Iterable[MethodScore]) -> str:
    """Dense methods by trained parameters, then removing ones by what they removed."""
    known = [score for score in scores if score.method in METHODS]
    dense = [score for score in known if not METHODS[score.method].removes]
    removing = [score for score in known if METHODS[score.method].removes]
    trained, step = ("trained", lambda s: f"{s.trained:,}"), ("step over LoRA's", _ratio)
    parts = [
        _table(dense, ["Dense", trained, step], lambda s: s.trained),
        _table(
            removing,
            ["Removing", ("removed", _removed), ("times as fast", _speedup), trained, step],
            lambda s: s.removed or 0.0,
        ),
    ]
    picture_of_it = f"![Scores of all methods]({Path(PICTURE).name})"
    return "\n\n".join([*filter(None, parts), picture_of_it])


def _table(
    scores: list[MethodScore], columns: Columns, order: Callable[[MethodScore], float]
) -> str:
    """A line for each method, in the order of its lowest number; empty without scores.

    Args:
        scores: Of the methods, on all tasks.
        columns: The title, then heads, each with its text of a score.
        order: What comes first; what only failed comes last.
    """
    if not scores:
        return ""
    title, *numbers = columns
    tasks = [*dict.fromkeys(score.task for score in scores)]
    metrics = {s.task: s.metric for s in scores if s.metric}
    of_tasks = [f"{task}, {metrics.get(task, FAILED)}" for task in tasks]
    rows = [[title, *(head for head, _ in numbers), *of_tasks]]
    rows.append(["---", *["---:"] * (len(rows[0]) - 1)])
    of_method: dict[str, dict[str, MethodScore]] = {}
    for score in sorted(scores, key=lambda score: (score.median is None, order(score))):
        of_method.setdefault(score.method, {})[score.task] = score
    for method, found in of_method.items():
        told = [_first(text(score) for score in found.values()) for _, text in numbers]
        rows.append([method, *told, *(_cell(found.get(task)) for task in tasks)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _first(texts: Iterable[str]) -> str:
    """What the first task says that says something: not every task was timed."""
    return next((text for text in texts if text != NOTHING), NOTHING)


def _removed(score: MethodScore) -> str:
    return NOTHING if score.removed is None else f"{score.removed:.1%}"


def _speedup(score: MethodScore) -> str:
    return NOTHING if score.speedup is None else f"{score.speedup:.2f}"


def _ratio(score: MethodScore) -> str:
    return NOTHING if score.step_ratio is None else f"{score.step_ratio:.2f}"


def _cell(score: MethodScore | None) -> str:
    """Median in percent, the range of several seeds, and a mark where one learned nothing."""
    if score is None or score.median is None:
        return NOTHING if score is None else FAILED
    median, low, high = (f"{100 * value:.1f}" for value in (score.median, score.low, score.high))
    told = median if low == high else f"{median} ({low}–{high})"
    return f"{told} {STUCK}" if score.stuck else told


if __name__ == "__main__":
    main()
