"""Models that were saved of a run are found again by their folders, and nothing else is."""

from finegates.gates.cuts import Cut
from finegates.runs.saved_models import EXPORTS_FOLDER, delete_saved, list_saved, saved_folder
from tests.fake_results import result


def test_saved_models_are_listed_by_their_cuts(runs_dir):
    run = result(runs_dir, 0.8)
    assert list_saved(run) == []
    cuts = [Cut(remove=0.05), Cut(remove=0.4), Cut(threshold=0.0), Cut(threshold=0.25)]
    for cut in reversed(cuts):
        saved_folder(run, cut).mkdir(parents=True)
    for name in ("remove-x", "remove-7", "other-0.1", ".remove-0.3.part", "remove-0.30"):
        (run.path / EXPORTS_FOLDER / name).mkdir()
    (run.path / EXPORTS_FOLDER / "remove-0.9").write_text("a file")
    assert list_saved(run) == cuts
    delete_saved(run, cuts[0])
    assert list_saved(run) == cuts[1:]
