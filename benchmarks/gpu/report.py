"""The result, written whole after every row: a run that is cut off loses nothing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from finegates.files.storage import read_json, write_json

RUNNING, DONE, FAILED, CUT_OFF = "running", "done", "failed", "cut off"


class Report:
    """A JSON file with a part for each part of the run; one process at a time writes it.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, about: Mapping[str, Any]) -> None:
        """A file that says of what it is; parts of an earlier call on the same machine stay."""
        before = read_json(self.path) if self.path.exists() else {}
        same = all(before.get(what) == about[what] for what in about if what != "date")
        write_json(self.path, {**about, "parts": before["parts"] if same else {}})

    def update(self, part: str, **facts: Any) -> None:
        """Sets facts of a part."""
        content = read_json(self.path)
        content["parts"].setdefault(part, {"rows": []}).update(facts)
        write_json(self.path, content)

    def start(self, part: str, limit_s: float) -> None:
        """Forgets what an earlier call measured of a part."""
        content = read_json(self.path)
        content["parts"].pop(part, None)
        content["parts"][part] = {"state": RUNNING, "limit_s": round(limit_s, 1), "rows": []}
        write_json(self.path, content)

    def add(self, part: str, row: Mapping[str, Any]) -> None:
        """Adds a measured row to a part."""
        self.update(part, rows=[*self.part(part)["rows"], dict(row)])

    def part(self, part: str) -> dict[str, Any]:
        """What is known of a part."""
        return read_json(self.path)["parts"].get(part, {"rows": []})


def judged(value: float, goal: float, *, at_most: bool = False) -> dict[str, Any]:
    """A goal, and whether it is met."""
    return {"goal": goal, "met": value <= goal if at_most else value >= goal}


def verdict(rows: list[dict[str, Any]]) -> str:
    """How many of the rows' goals are met."""
    met = [row["met"] for row in rows if "met" in row]
    return f"{sum(met)} of {len(met)} goals met" if met else "no goals"
