"""The columns that a table of runs can have: what is in them, how it is shown, what it sorts by."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app.charts import style
from app.rows import Row, gated_percent, seconds_taken
from app.text import short_model
from app.words import CURVE_ONLY_MEANS, STATES, TERMS, duration, score
from finegates.runs.folder import BROKEN
from finegates.runs.notes import MAX_NOTES_LENGTH, NOTES_FILE

_CHIP_COLORS = {
    "gray": style.GRAY, "blue": style.BLUE, "orange": style.ORANGE, "green": style.GREEN,
    "red": style.RED,
}  # fmt: skip
_FRACTION: dict[str, Any] = {"format": "%.1f %%", "width": 80}
_config = st.column_config


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        value: What a row shows.
        config: How it is shown; its label names the column in lists and addresses too.
        sort: What it is sorted by; None stands last.
    """

    value: Callable[[Row], Any]
    config: Any
    sort: Callable[[Row], Any]

    @property
    def label(self) -> str:
        """The column's name."""
        return self.config["label"]


def _column(value: Callable, config: Any, sort: Callable | None = None) -> Column:
    return Column(value, config, sort or value)


def _plain(key: str, config: Any) -> Column:
    return _column(lambda row: row[key], config)


def _progress(row: Row) -> float | None:
    if row["status"] == BROKEN:
        return None
    return round(100 * row["step"] / row["total_steps"], 1) if row["total_steps"] else 0.0


def _score(row: Row) -> str | None:
    """With its metric's name; as many decimals for each, so that text sorts as numbers do."""
    metric = row["metric"]
    return None if row["score"] is None else f"{score(row['score'], metric)} {metric}"


def _gated(key: str, label: str, help: str) -> Column:
    config = _config.NumberColumn(label, **_FRACTION, help=help)
    return _column(lambda row: gated_percent(row, key), config)


def _notes(row: Row) -> str | None:
    return f"⚠ {NOTES_FILE} can't be read" if row["notes_problem"] else row["notes"] or None


def tags_config(options: Iterable[str]) -> Any:
    """The column of tags, where these can be chosen as well as new ones."""
    return _config.MultiselectColumn(
        "Tags", options=list(options), accept_new_options=True, color="auto", width=130,
        help="Words of yours to find runs by.",
    )  # fmt: skip


COLUMNS = {
    "name": _plain(
        "name",
        _config.TextColumn(
            "Run", width=300, help="Its own name, or what it is: data, recipe, "
            "target, seed and, once it has finished, its score.",
        ),
    ),
    "state": _column(
        lambda row: [row["status"]],
        _config.MultiselectColumn(
            "State", options=list(STATES), width=88,
            color=[_CHIP_COLORS[look.color] for look in STATES.values()],
            help="  \n".join(f"**{name}**: {look.meaning}" for name, look in STATES.items()),
        ),
        lambda row: [*STATES].index(row["status"]),
    ),
    "progress": _column(
        _progress,
        _config.ProgressColumn("Progress", format="%d %%", min_value=0, max_value=100, width=90),
    ),
    "task": _plain("data_name", _config.TextColumn("Data set", width=90)),
    "recipe": _plain("method", _config.TextColumn("Recipe", width=116)),
    "score": _column(
        _score, _config.TextColumn("Score", width=122, help=TERMS["score"]),
        lambda row: row["score"],
    ),
    "target": _gated("target_fraction", "Target", TERMS["target"]),
    "removed": _gated("removed_weights_fraction", "Removed", TERMS["removed"]),
    "closed": _gated("closed_gates_fraction", "Closed", TERMS["closed"]),
    "keeps": _column(
        lambda row: ", ".join(row["keeps"]) or None,
        _config.TextColumn(
            "Keeps", width=112, help="What of the run can be looked at besides its curve: its "
            "gates in Dimensions, with its weights in Prune & time too.  \n**curve only**: "
            f"{CURVE_ONLY_MEANS}",
        ),
    ),
    "created": _plain("created", _config.DatetimeColumn("Created", format="distance", width=112)),
    "tags": _column(lambda row: row["tags"], tags_config(()), lambda row: row["tags"] or None),
    "notes": _column(
        _notes, _config.TextColumn("Notes", width=200, max_chars=MAX_NOTES_LENGTH)
    ),
    "seed": _plain("seed", _config.NumberColumn("Seed", width=56)),
    "model": _column(
        lambda row: row["model"] and short_model(row["model"]),
        _config.TextColumn("Model", width=80),
    ),
    "epochs": _plain("epochs", _config.NumberColumn("Epochs", width=66)),
    "settings": _column(
        lambda row: ", ".join(f"{k} {v}" for k, v in (row["settings"] or {}).items()) or None,
        _config.TextColumn("Settings", width=220, help="Set otherwise than the recipe does."),
    ),
    "majority": _plain(
        "majority_score",
        _config.NumberColumn(
            "Baseline", format="%.3f", width=80,
            help=f"{TERMS['majority']} Of text: {TERMS['untrained'].lower()}",
        ),
    ),
    "trained": _plain(
        "trainable_params",
        _config.NumberColumn("Trained", format="compact", width=80, help="Trained parameters."),
    ),
    "steps": _plain("step", _config.NumberColumn("Step", width=70)),
    "took": _column(
        lambda row: None if (took := seconds_taken(row)) is None else duration(took),
        _config.TextColumn("Took", width=100, help="From its start to its end, pauses too."),
        seconds_taken,
    ),
    "speed": _plain(
        "samples_per_s",
        _config.NumberColumn("Rows/s", format="%.0f", width=76, help=TERMS["throughput"]),
    ),
    "device": _plain("device", _config.TextColumn("Device", width=80)),
    "data": _column(
        lambda row: row["fingerprint"] and row["fingerprint"][:12],
        _config.TextColumn(
            "Fingerprint", width=110, help="The start of the fingerprint of its rows."
        ),
    ),
    "reason": _column(
        lambda row: row["reason"] or None, _config.TextColumn("Why it ended", width=260)
    ),
    "run": _plain("run", _config.TextColumn("Id", width=300)),
}  # fmt: skip
"""In the order in which they stand."""

SHOWN = (
    "name", "state", "progress", "score", "target", "removed", "closed", "keeps", "created", "seed",
    "model", "reason", "run",
)  # fmt: skip
"""Columns of a table of runs, wherever nothing else is said."""

LABELS = {column.label: key for key, column in COLUMNS.items()}


def in_order(rows: Iterable[Row], key: str, descending: bool) -> list[Row]:
    """Rows sorted by a column, those without a value last; equal ones stay as they stand."""
    sort = COLUMNS[key].sort
    known = [(value, row) for row in rows if (value := sort(row)) is not None]
    unknown = [row for row in rows if sort(row) is None]
    return [row for _, row in sorted(known, key=lambda item: item[0], reverse=descending)] + unknown
