"""Run rows as a table: which columns, how they are shown, which rows match a filter."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from app.charts import style
from app.words import STATES, TERMS, score
from finegates.methods import METHODS
from finegates.runs import BROKEN

_SEARCHED = ("run", "status", "task", "method", "model", "metric", "reason")
_CHIP_COLORS = {
    "gray": style.GRAY, "blue": style.BLUE, "orange": style.ORANGE, "green": style.GREEN,
    "red": style.RED,
}  # fmt: skip


def matching(rows: list[dict[str, Any]], words: str) -> list[dict[str, Any]]:
    """Rows that hold every word somewhere."""
    wanted = words.lower().split()
    return [
        row
        for row in rows
        if all(any(w in str(row[key] or "").lower() for key in _SEARCHED) for w in wanted)
    ]


def table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """One line for each run, in the order of the rows."""
    return pd.DataFrame(
        {
            "open": ["Open" for _ in rows],
            "state": [[row["status"]] for row in rows],
            "progress": [_progress(row) for row in rows],
            "task": [row["task"] for row in rows],
            "recipe": [row["method"] for row in rows],
            "model": [_short(row["model"]) for row in rows],
            "score": [_score(row) for row in rows],
            "target": [_percent(_if_gated(row, "target_fraction")) for row in rows],
            "removed": [_percent(_if_gated(row, "removed_weights_fraction")) for row in rows],
            "closed": [_percent(_if_gated(row, "closed_gates_fraction")) for row in rows],
            "created": pd.to_datetime([row["created"] for row in rows], utc=True, format="ISO8601"),
            "seed": [row["seed"] for row in rows],
            "reason": [row["reason"] or "" for row in rows],
            "run": [row["run"] for row in rows],
        }
    )


def column_config(on_open: Callable[[], None]) -> dict[str, Any]:
    """Labels, formats and definitions of the columns."""
    config = st.column_config
    fraction = {"format": "%.1f %%", "width": 76}
    return {
        "open": config.ButtonColumn(
            "", type="tertiary", on_click=on_open, key="open_run", width=60, pinned=True
        ),
        "state": config.MultiselectColumn(
            "State",
            options=list(STATES),
            color=[_CHIP_COLORS[look.color] for look in STATES.values()],
            width=88,
            help="  \n".join(f"**{name}**: {look.meaning}" for name, look in STATES.items()),
        ),
        "progress": config.ProgressColumn(
            "Progress", format="%d %%", min_value=0, max_value=100, width=90
        ),
        "task": config.TextColumn("Task", width=66),
        "recipe": config.TextColumn("Recipe", width=116),
        "model": config.TextColumn("Model", width=80),
        "score": config.TextColumn("Score", width=122, help=TERMS["score"]),
        "target": config.NumberColumn("Target", **fraction, help=TERMS["target"]),
        "removed": config.NumberColumn("Removed", **fraction, help=TERMS["removed"]),
        "closed": config.NumberColumn("Closed", **fraction, help=TERMS["closed"]),
        "created": config.DatetimeColumn("Age", format="distance", width=112),
        "seed": config.NumberColumn("Seed", width=52),
        "reason": config.TextColumn("Why it ended", width=260),
        "run": config.TextColumn("Run", width=300),
    }


def _progress(row: dict[str, Any]) -> float | None:
    if row["status"] == BROKEN:
        return None
    return round(100 * row["step"] / row["total_steps"], 1) if row["total_steps"] else 0.0


def _score(row: dict[str, Any]) -> str | None:
    """With its metric's name; three decimals, so that text sorts as numbers do."""
    return None if row["score"] is None else f"{score(row['score'])} {row['metric']}"


def _if_gated(row: dict[str, Any], key: str) -> float | None:
    """A fraction of a run with gates; a dense run has none."""
    method = METHODS.get(row["method"])
    return None if method is not None and not method.removes else row[key]


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else round(100 * fraction, 2)


def _short(model: str | None) -> str | None:
    return model.rstrip("/").split("/")[-1] if model else None
