"""Smaller models that were saved of a run, and what is known of each."""

from dataclasses import dataclass
from pathlib import Path

from finegates.errors import RunError
from finegates.exporting.package import files_of, model_name
from finegates.gates.cuts import Cut, cut_snapshot
from finegates.gates.removal import removal
from finegates.runs.folder import Run
from finegates.runs.measurements import AtCut, at_cut
from finegates.runs.saved_models import list_saved, saved_folder


@dataclass(frozen=True)
class SavedModel:
    """A model in the run's folder.

    Attributes:
        cut: Where its gates were cut off.
        folder: Where it is.
        name: What it is called as a file.
        removed: Fraction of the weights that it lacks.
        files: Bytes of each of its files.
        known: What was measured of its cut.
    """

    cut: Cut
    folder: Path
    name: str
    removed: float
    files: dict[str, int]
    known: AtCut


def known_at(run: Run, cut: Cut) -> AtCut:
    """What is known of a cut, the one record that page, card and table say.

    Raises:
        RunError: If one of the run's files is damaged.
    """
    return at_cut(run, cut)


def saved_models(run: Run) -> list[SavedModel]:
    """The run's saved models; one that is deleted meanwhile is left out.

    Raises:
        RunError: If one of the run's files is damaged.
    """
    found = []
    for cut in list_saved(run):
        folder = saved_folder(run, cut)
        try:
            files = files_of(folder)
        except RunError:
            continue
        name, known = model_name(run, cut), at_cut(run, cut)
        found.append(SavedModel(cut, folder, name, _removed(run, cut), files, known))
    return found


def _removed(run: Run, cut: Cut) -> float:
    shown = cut_snapshot(run.snapshot(), cut)
    return removal(shown.layout, shown.closed).removed_weights_fraction
