"""The comparison's tables and picture in docs/methods.md, and its copy that the app reads.

    python -m benchmarks.methods.report

Reads benchmarks/results/methods_compared.json; writes what stands between the two marks in
docs/methods.md, docs/methods.png, and the copy in the package.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

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
NOTHING, FAILED = "–", "failed"


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
    parts = [
        _table(dense, "Dense", "trained", lambda s: f"{s.trained:,}", lambda s: s.trained),
        _table(removing, "Removing", "removed", _removed, lambda s: s.removed or 0.0),
    ]
    picture_of_it = f"![Scores of all methods]({Path(PICTURE).name})"
    return "\n\n".join([*filter(None, parts), picture_of_it])


def _table(
    scores: list[MethodScore],
    title: str,
    column: str,
    text: Callable[[MethodScore], str],
    order: Callable[[MethodScore], float],
) -> str:
    """A line for each method, in the order of its first task's number; empty without scores."""
    if not scores:
        return ""
    tasks = [*dict.fromkeys(score.task for score in scores)]
    metrics = {s.task: s.metric for s in scores if s.metric}
    heads = [f"{task}, {metrics.get(task, FAILED)}" for task in tasks]
    of_method: dict[str, dict[str, MethodScore]] = {}
    for score in sorted(scores, key=order):
        of_method.setdefault(score.method, {})[score.task] = score
    rows = [[title, column, "step over LoRA's", *heads], ["---", *["---:"] * (len(tasks) + 2)]]
    for method, found in of_method.items():
        first = next(iter(found.values()))
        rows.append([method, text(first), _ratio(first), *(_cell(found.get(t)) for t in tasks)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _removed(score: MethodScore) -> str:
    return NOTHING if score.removed is None else f"{score.removed:.1%}"


def _ratio(score: MethodScore) -> str:
    return NOTHING if score.step_ratio is None else f"{score.step_ratio:.2f}"


def _cell(score: MethodScore | None) -> str:
    """Median in percent and the range of several seeds; that it failed where none finished."""
    if score is None or score.median is None:
        return NOTHING if score is None else FAILED
    median, low, high = (f"{100 * value:.1f}" for value in (score.median, score.low, score.high))
    return median if low == high else f"{median} ({low}–{high})"


if __name__ == "__main__":
    main()
