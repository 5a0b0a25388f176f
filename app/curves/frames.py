"""What is compared of several runs: their names, curves, final numbers, and what differs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from app.curves.data_facts import DATA_SETTINGS, data_facts
from app.rows import Row, gated_percent, seconds_taken
from app.text import short_model
from app.words import NOTHING
from finegates.files.spreadsheet import csv_text
from finegates.runs.names import BETWEEN, describe, unique_names

DATA, SETTINGS, VERSIONS = "data", "setting", "version"
MINUTE_S = 60


def names_of(rows: Sequence[Row]) -> list[str]:
    """A name for each run, unlike the others': its own, else recipe, target and seed.

    Of those without a name of their own, what all have in common is left out: the data, the model.
    """
    data = {(row["data_name"], row["fingerprint"]) for row in rows}
    models = {row["model"] for row in rows}
    names = [_name(row, len(data) > 1, len(models) > 1) for row in rows]
    unique = unique_names([row | {"name": name} for row, name in zip(rows, names, strict=True)])
    return [unique[row["run"]] for row in rows]


def _name(row: Row, with_data: bool, with_model: bool) -> str:
    if row["name"] != describe(row):
        return row["name"]
    name = describe(row, data=with_data, result=False)
    return f"{name}{BETWEEN}{short_model(row['model'])}" if with_model else name


def together(
    frames: Sequence[pd.DataFrame], names: Sequence[str], starts: Sequence[float]
) -> pd.DataFrame:
    """Frames of several runs as one, with each run's ``name`` and its ``minutes``.

    Args:
        frames: With columns ``step`` and ``time``.
        names: The runs' names.
        starts: When each run's minutes begin, in seconds since the epoch.
    """
    each = [
        frame.assign(name=name, minutes=(frame["time"] - start) / MINUTE_S)
        for frame, name, start in zip(frames, names, starts, strict=True)
        if len(frame)
    ]
    return pd.concat(each, ignore_index=True) if each else pd.DataFrame()


def smoothed(train: pd.DataFrame, log_lines: int) -> pd.DataFrame:
    """Adds ``smoothed``: a mean of the task loss of each run over the lines around each.

    Args:
        train: From `together`.
        log_lines: Span of the mean; 1 smooths nothing.
    """
    known = train.dropna(subset=["task_loss"])
    by_run = known.groupby("name", sort=False)["task_loss"]
    return known.assign(smoothed=by_run.transform(lambda loss: _centred(loss, log_lines)))


def _centred(values: pd.Series, span: int) -> pd.Series:
    """Means with weights that fall exponentially to both sides, so that they lag behind nothing.

    They are normalised by the weights that are there, at the start and at the end too.
    """
    kept = 1 - 2 / (span + 1)
    before = values.ewm(span=span).mean()
    after = values[::-1].ewm(span=span).mean()[::-1]
    weights = (1 - kept ** np.arange(1, len(values) + 1)) / (1 - kept)
    total = weights + weights[::-1] - 1  # the line itself is in both
    return (before * weights + after * weights[::-1] - values) / total


def numbers(rows: Sequence[Row], losses: Sequence[float | None]) -> pd.DataFrame:
    """A line of final numbers for each run; columns that begin with ``d_`` are its difference from
    the first run. Fractions are in percent, their differences in percentage points; a dense run has
    none.

    Args:
        rows: Rows of the runs.
        losses: The last smoothed task loss of each.
    """
    frame = pd.DataFrame(
        {
            "state": [[row["status"]] for row in rows],
            "score": _numbers(rows, lambda row: row["score"]),
            "removed": _numbers(rows, lambda row: gated_percent(row, "removed_weights_fraction")),
            "loss": pd.Series(list(losses), dtype=float),
            "seconds": _numbers(rows, seconds_taken),
            "closed": _numbers(rows, lambda row: gated_percent(row, "closed_gates_fraction")),
            "trained": _numbers(rows, lambda row: row["trainable_params"]),
            "speed": _numbers(rows, lambda row: row["samples_per_s"]),
            "steps": _numbers(rows, lambda row: row["step"]),
        }
    )
    for place, key in ((2, "score"), (4, "removed"), (6, "loss"), (8, "seconds")):
        change = frame[key] - frame[key].iloc[0]
        frame.insert(place, f"d_{key}", change.where(frame.index > 0))
    return frame


def _numbers(rows: Sequence[Row], value: Callable[[Row], float | None]) -> pd.Series:
    return pd.Series([value(row) for row in rows], dtype=float)


def differences(
    facts: Sequence[Mapping[str, Any]], names: Sequence[str], show_all: bool
) -> pd.DataFrame:
    """What was asked for, the data and the versions of each run: a line for each, a column a run.

    Args:
        facts: Of each run, from `app.reading.one_run.facts_of`.
        names: The runs' names, all different.
        show_all: Keep lines in which all runs are equal.
    """
    columns = [_lines(of_run, data) for of_run, data in zip(facts, data_facts(facts), strict=True)]
    keys = dict.fromkeys(key for column in columns for key in column)
    lines = [[*key, *(column.get(key, NOTHING) for column in columns)] for key in keys]
    kept = [line for line in lines if show_all or len({*line[2:]}) > 1]
    return pd.DataFrame(kept, columns=["part", "name", *names])


def _lines(facts: Mapping[str, Any], data: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    settings = {k: v for k, v in facts["settings"].items() if k not in DATA_SETTINGS}
    settings["model"] = short_model(settings["model"])
    versions = facts["versions"] if isinstance(facts["versions"], dict) else {}
    parts = {DATA: data, SETTINGS: settings, VERSIONS: versions}
    return {
        (part, name): _text(value)
        for part, values in parts.items()
        for name, value in values.items()
    }


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or NOTHING
    if isinstance(value, float):
        return f"{value:g}"
    return NOTHING if value is None else str(value)


def differences_csv(frame: pd.DataFrame, ids: Iterable[str]) -> str:
    """`differences` as CSV, its columns named by the runs' ids."""
    return csv_text(["part", "name", *ids], frame.to_numpy().tolist())
