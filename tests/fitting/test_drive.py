"""One process at a time carries a search on; the page knows whether one does."""

import time

import pytest

from finegates.errors import RunError
from finegates.fitting import drive as driving
from finegates.fitting.drive import drive, is_driven, last_words, start_driver
from finegates.fitting.file import create_fit


@pytest.fixture
def fit(tmp_path):
    return create_fit(tmp_path, "mine", 0.01, {})


def test_a_second_process_is_refused_while_the_first_goes_on(tmp_path, fit, monkeypatch):
    monkeypatch.setattr(driving, "_LOOK_WAIT_S", 0.1)
    assert not is_driven(tmp_path, "mine")
    seen = []

    def advance(fit, runs_dir):
        seen.append(is_driven(runs_dir, "mine"))
        if len(seen) == 1:
            with pytest.raises(RunError, match="another process"):
                drive(fit, runs_dir, [None], lambda run: None)
        return fit, None

    monkeypatch.setattr(driving, "advance", advance)
    drive(fit, tmp_path, [None], lambda run: None)
    assert seen == [True] and not is_driven(tmp_path, "mine")


def test_a_background_process_that_ends_at_once_leaves_its_words(tmp_path, fit):
    fit_file = tmp_path / "mine.fit.json"
    fit_file.write_text(
        fit_file.read_text().replace('"settings": {}', '"settings": {"model": "x/"}')
    )
    start_driver(tmp_path, "mine")
    ends = time.monotonic() + 60
    while is_driven(tmp_path, "mine") and time.monotonic() < ends:
        time.sleep(0.1)
    assert "x/" in last_words(tmp_path, "mine")


def test_a_search_that_is_not_there_is_not_started(tmp_path):
    with pytest.raises(RunError, match="search 'none'"):
        start_driver(tmp_path, "none")
    assert last_words(tmp_path, "none") == ""
