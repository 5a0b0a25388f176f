"""What a run is called, and its data: by what they are, unless the user gave the run a name."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from finegates.data.metric_kinds import score_text
from finegates.methods import METHODS
from finegates.spec import GLUE_TASKS

BETWEEN = " · "
_TASK_NAMES = {task: task.upper() for task in GLUE_TASKS} | {
    "cola": "CoLA", "stsb": "STS-B", "sst2": "SST-2",
}  # fmt: skip
_FILE = "file:"
_ENDING = re.compile(r"\.(csv|tsv|tab|txt|json|jsonl|ndjson|parquet)(\.gz)?$", re.IGNORECASE)
_DIGEST = re.compile(r"^[0-9a-f]{16}-(?=.)")
"""Of an upload, before the user's own name for it; see `finegates.data.uploads`."""


def data_name(task: str, source: str | None) -> str:
    """What a run's data is called: ``"SST-2"``, ``"sample"``, or of a file its name, ``"tickets"``.

    Args:
        task: The task of the run's spec.
        source: Where the run's record says its rows are from.
    """
    if source and source.startswith(_FILE):
        file = file_name(source.removeprefix(_FILE))
        return _ENDING.sub("", file) or file
    return _TASK_NAMES.get(task, task)


def file_name(path: str) -> str:
    """The user's own name for a file: without its folder, and without the digest of an upload."""
    return _DIGEST.sub("", re.split(r"[/\\]", path)[-1])


def describe(row: Mapping[str, Any], *, data: bool = True, result: bool = True) -> str:
    """What a run is: ``"tickets · finegates+lora · 40% · seed 0 · 0.829"``.

    Args:
        row: From `finegates.runs.folder.Run.row`, of a run that is not broken.
        data: With the name of its data.
        result: With its score, if it has finished.
    """
    words = [row["data_name"]] if data else []
    words += [row["method"]]
    method, target = METHODS.get(row["method"]), row["target_fraction"]
    if target if method is None else method.removes:
        words += [f"{100 * target:.3g}%"]
    words += [f"seed {row['seed']}"]
    if result and row["status"] == "finished" and row["score"] is not None:
        words += [score_text(row["score"], row["metric"])]
    return BETWEEN.join(words)


def unique_names(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Id of a run -> its name; those of one name are told apart by when they were made.

    Args:
        rows: From `finegates.runs.folder.Run.row`.
    """
    rows = list(rows)
    names = {row["run"]: row["name"] for row in rows}
    for form in ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"):
        count = Counter(names.values())
        names |= {
            row["run"]: f"{row['name']} ({_local_time(row['created'], form)})"
            for row in rows
            if count[names[row["run"]]] > 1 and row["created"]
        }
    count = Counter(names.values())
    return {run: name if count[name] == 1 else f"{name} …{run[-8:]}" for run, name in names.items()}


def _local_time(created: str, form: str) -> str:
    return datetime.fromisoformat(created).astimezone().strftime(form)
