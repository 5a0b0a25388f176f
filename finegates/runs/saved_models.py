"""Smaller models that the page saved: each in ``exports/`` of its run, removed only there."""

import shutil
from pathlib import Path

from finegates.errors import RunError
from finegates.files.read_only import check_may_change
from finegates.gates.cuts import Cut
from finegates.runs.folder import Run

EXPORTS_FOLDER = "exports"


def saved_folder(run: Run, cut: Cut) -> Path:
    """Where the model of a cut is saved, for example ``exports/remove-0.4`` in the run's folder."""
    name, value = cut.asked
    return run.path / EXPORTS_FOLDER / f"{name}-{value:g}"


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
