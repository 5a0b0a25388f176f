"""A search's file, ``<runs_dir>/<name>.fit.json``: what was asked, and the runs made for it.

Like a group's file it owns nothing: its runs are ordinary runs. A run's id is written before the
run is made, so a search that is cut short goes on where it was and makes no run twice.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from finegates.errors import RunError, SpecError, unknown_name
from finegates.files.read_only import check_may_change
from finegates.files.storage import read_json, write_json
from finegates.groups.store import check_name

FORMAT_VERSION = 1
FIT_SUFFIX = ".fit.json"
MOST_TRAININGS = 12
_ASKED = ("max_drop", "seed", "most_trainings", "settings")


@dataclass(frozen=True)
class Fit:
    """A search for the smallest model within a tolerance.

    Attributes:
        name: Of the search, and of its file.
        max_drop: How much of the score may be lost, as a fraction: 0.01 is one point.
        seed: The first seed of its runs; also parts the validation rows.
        most_trainings: No more gated trainings than this.
        settings: What was chosen for all runs, as JSON types.
        created: When, in UTC.
        reference: Id of the dense run; empty before it is made, and where the search starts from a
            model that is fine-tuned already.
        runs: Ids of the gated runs, in the order in which they were made.
        lost: Those of them that were ended early, because nothing could have saved them.
    """

    name: str
    max_drop: float
    seed: int
    most_trainings: int
    settings: Mapping[str, Any]
    created: str
    reference: str = ""
    runs: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    @property
    def all_runs(self) -> tuple[str, ...]:
        """Ids of all its runs, the reference first."""
        return tuple(run for run in (self.reference, *self.runs) if run)

    @property
    def wanted(self) -> tuple[str, ...]:
        """Ids of the runs that are to finish."""
        return tuple(run for run in self.all_runs if run not in self.lost)


def new_name(task: str) -> str:
    """What a search is called that was given no name."""
    return f"fit-{time.strftime('%Y%m%d-%H%M%S')}-{task}"


def create_fit(
    runs_dir: Path,
    name: str,
    max_drop: float,
    settings: Mapping[str, Any],
    *,
    seed: int = 0,
    most_trainings: int = MOST_TRAININGS,
) -> Fit:
    """Makes a search, or gives the one of that name if it asks for the same.

    Raises:
        SpecError: If the name can't be one, or a number is out of its range.
        RunError: If a search of that name asks for something else, or its file is damaged.
    """
    check_may_change("start a search")
    check_name(name)
    if not 0 <= max_drop < 1:
        raise SpecError(f"max_drop is {100 * max_drop:g} points; it has to be in [0, 100).")
    if most_trainings < 1:
        raise SpecError(f"most_trainings is {most_trainings}; it has to be 1 or more.")
    plain = {k: list(v) if isinstance(v, tuple) else v for k, v in settings.items()}
    created = datetime.now(UTC).isoformat(timespec="milliseconds")
    fit = Fit(name, max_drop, seed, most_trainings, plain, created)
    path = _path(runs_dir, name)
    if not path.exists():
        runs_dir.mkdir(parents=True, exist_ok=True)
        save_fit(runs_dir, fit)
        return fit
    there = open_fit(runs_dir, name)
    if differs := [n for n in _ASKED if getattr(there, n) != getattr(fit, n)]:
        raise RunError(
            f"There is a search '{name}' already, with another {', '.join(differs)}. Choose "
            f"another name, or go on with it as it was made: --name {name} alone."
        )
    return there


def open_fit(runs_dir: Path, name: str) -> Fit:
    """A search by its name.

    Raises:
        RunError: If there is none (the closest is named), or its file is damaged.
    """
    if name not in list_fits(runs_dir):
        raise RunError(unknown_name("search", name, list_fits(runs_dir)))
    record = read_json(_path(runs_dir, name))
    if record.pop("format_version", None) != FORMAT_VERSION:
        raise RunError(
            f"The search '{name}' is of another format version; this program reads version "
            f"{FORMAT_VERSION}. Update finegates."
        )
    try:
        fit = Fit(**record)
        runs, lost = (tuple(map(str, ids)) for ids in (fit.runs, fit.lost))
        return replace(fit, runs=runs, lost=lost, settings=dict(fit.settings))
    except (TypeError, ValueError) as error:
        raise RunError(f"The file of the search '{name}' is damaged: {error}.") from error


def list_fits(runs_dir: Path) -> list[str]:
    """Names of all searches, in alphabetical order."""
    paths = runs_dir.glob(f"*{FIT_SUFFIX}") if runs_dir.is_dir() else ()
    return sorted(path.name.removesuffix(FIT_SUFFIX) for path in paths if path.is_file())


def save_fit(runs_dir: Path, fit: Fit) -> None:
    """Replaces the file of a search."""
    record = {**asdict(fit), "runs": list(fit.runs), "lost": list(fit.lost)}
    write_json(_path(runs_dir, fit.name), {"format_version": FORMAT_VERSION, **record})


def _path(runs_dir: Path, name: str) -> Path:
    return runs_dir / f"{name}{FIT_SUFFIX}"
