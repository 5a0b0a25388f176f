"""The registry as a frame: what each method is, trains, costs, removed and scored; and its points.

Columns are keys of `COLUMNS` of `app.methods.table`.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from app.charts import style
from finegates.files.spreadsheet import no_formulas
from finegates.methods import METHODS
from finegates.results.compared import MethodScore

SEARCHED = ("method", "family", "summary", "source")
POINT_COLUMNS = (
    "method", "trained", "removed", "speedup", "score", "low", "high", "seeds", "chosen",
)  # fmt: skip
STUCK = "learned nothing: one answer to every row"
_ARXIV = re.compile(r"arXiv (\d{4}\.\d{4,5})")
_GITHUB = re.compile(r"github\.com/[\w.-]+/[\w.-]*\w")


def link_of(source: str) -> str | None:
    """The first paper that a source names on arXiv, else its repository; None without either."""
    if found := _ARXIV.search(source):
        return f"https://arxiv.org/abs/{found[1]}"
    found = _GITHUB.search(source)
    return f"https://{found[0]}" if found else None


def methods_frame(
    trained: Mapping[str, int],
    scores: Mapping[str, MethodScore],
    ratios: Mapping[str, float],
    runs: Mapping[str, int],
) -> pd.DataFrame:
    """A row for each method of the registry, in its order.

    Args:
        trained: Method -> trained parameters on the model that is looked at.
        scores: Method -> what it came to on one task of the comparison.
        ratios: Method -> time of a step over LoRA's.
        runs: Method -> how many finished runs of it there are.
    """
    rows = [
        {
            "method": name,
            "family": method.family,
            "trained": trained.get(name),
            **_measured(scores.get(name)),
            "ratio": ratios.get(name),
            "merges": method.merges,
            "removes": method.removes,
            "runs": runs.get(name, 0),
            "link": link_of(method.source),
            "summary": method.summary,
            "source": method.source,
        }
        for name, method in METHODS.items()
    ]
    frame = no_formulas(pd.DataFrame(rows))
    numbers = ["trained", "score", "removed", "speedup", "ratio"]
    frame[numbers] = frame[numbers].astype(float)
    return frame


def _measured(score: MethodScore | None) -> dict[str, Any]:
    if score is None:
        return dict.fromkeys(("score", "removed", "speedup", "failed"))
    failed = "; ".join((*score.failed, *([STUCK] if score.stuck else []))) or None
    removed = None if score.removed is None else 100 * score.removed
    return {
        "score": score.median, "removed": removed, "speedup": score.speedup, "failed": failed,
    }  # fmt: skip


def matching(
    frame: pd.DataFrame, words: str, families: Collection[str], **flags: bool | None
) -> pd.DataFrame:
    """Rows that hold every word somewhere, of one of these families, with these flags.

    Args:
        frame: From `methods_frame`.
        words: Words with blanks between them; case does not matter.
        families: None of them allows any.
        flags: Column -> what it has to be; None allows both.
    """
    text = frame[list(SEARCHED)].agg(" ".join, axis=1).str.lower()
    keep = pd.Series(True, frame.index)
    for word in words.lower().split():
        keep &= text.str.contains(word, regex=False)
    if families:
        keep &= frame["family"].isin(families)
    for name, wanted in flags.items():
        if wanted is not None:
            keep &= frame[name] == wanted
    return frame[keep]


def in_order(frame: pd.DataFrame, column: str, descending: bool) -> pd.DataFrame:
    """Rows by a column, those without a value last; in the registry's order without a column."""
    if not column:
        return frame[::-1] if descending else frame
    return frame.sort_values(column, ascending=not descending, kind="stable", na_position="last")


def points(
    frame: pd.DataFrame, scores: Mapping[str, MethodScore], chosen: Sequence[str]
) -> pd.DataFrame:
    """A row for each measured method of these, with colour and shape; fractions in [0, 1].

    Args:
        frame: Rows of `methods_frame`.
        scores: Method -> what it came to on one task.
        chosen: Methods that stand out.
    """
    sizes = dict(zip(frame["method"], frame["trained"], strict=True))
    rows = [
        (
            name, sizes[name], s.removed, s.speedup, s.median, s.low, s.high, len(s.seeds),
            name in chosen,
        )
        for name in sizes
        if (s := scores.get(name)) is not None and s.median is not None
    ]  # fmt: skip
    found = pd.DataFrame(rows, columns=list(POINT_COLUMNS))
    numbers = ["trained", "removed", "speedup", "score", "low", "high"]
    found[numbers] = found[numbers].astype(float)
    looks = {"color": style.color_of, "shape": style.shape_of}
    return found.assign(**{name: found["method"].map(look) for name, look in looks.items()})
