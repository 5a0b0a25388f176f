"""Smaller models that the page saved: each in ``exports/`` of its run, removed only there."""

import contextlib
import shutil
from pathlib import Path

from finegates.errors import FineGatesError, RunError
from finegates.files.read_only import check_may_change
from finegates.gates.cuts import Cut
from finegates.runs.folder import Run

EXPORTS_FOLDER = "exports"


def saved_folder(run: Run, cut: Cut) -> Path:
    """Where the model of a cut is saved, for example ``exports/remove-0.4`` in the run's folder."""
    name, value = cut.asked
    return run.path / EXPORTS_FOLDER / f"{name}-{value:g}"


def list_saved(run: Run) -> list[Cut]:
    """Cuts whose models are saved, budgets first, each smallest first; none half written."""
    cuts = []
    for folder in (run.path / EXPORTS_FOLDER).glob("*-*"):
        name, _, value = folder.name.partition("-")
        with contextlib.suppress(FineGatesError, TypeError, ValueError):
            cut = Cut(**{name: float(value)})
            cuts += [cut] if folder.is_dir() and folder == saved_folder(run, cut) else []
    return sorted(cuts, key=lambda cut: cut.asked)


def delete_saved(run: Run, cut: Cut) -> None:
    """Removes a saved model for good.

    Raises:
        RunError: If it is not a folder in the run's own, as where one of them is a link, or it
            can't be removed.
        ReadOnlyError: In read-only mode.
    """
    check_may_change("delete a saved model")
    folder = saved_folder(run, cut)
    if folder.resolve() != run.path.resolve() / EXPORTS_FOLDER / folder.name:
        raise RunError(f"{folder} is a link to another place, so it was not removed.")
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise RunError(f"{folder} can't be removed: {error.strerror or error}.") from error
