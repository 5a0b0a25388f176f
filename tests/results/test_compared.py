"""The published comparison: medians over seeds, and what failed is never lost."""

import json

import pytest

from finegates.errors import RunError
from finegates.results.compared import compared_of, method_scores, read_compared
from tests.fake_compared import record, row


def test_scores_are_medians_of_what_finished_and_failures_keep_their_reason():
    rows = [
        row("lora", seed=0, score=0.6),
        row("lora", seed=1, score=0.8),
        row("lora", seed=2, score=None, state="failed", reason="The disk is full."),
    ]
    (found,) = method_scores(compared_of(record(*rows)).runs)
    assert (found.median, found.low, found.high, found.seeds) == (0.7, 0.6, 0.8, (0, 1))
    assert found.failed == ("The disk is full.",) and found.removed is None


def test_a_method_that_only_failed_has_no_score():
    (found,) = method_scores(compared_of(record(row("vera", score=None, state="lost"))).runs)
    assert found.median is None and not found.seeds and found.failed == ("lost",)


def test_without_a_file_nothing_was_published(tmp_path):
    assert read_compared(tmp_path / "none.json") is None


@pytest.mark.parametrize("content", ["[]", "{", "{}", '{"rows": [{"method": "lora"}]}'])
def test_a_damaged_file_is_told(tmp_path, content):
    path = tmp_path / "compared.json"
    path.write_text(content)
    with pytest.raises(RunError):
        read_compared(path)


def test_what_is_published_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "compared.json"
    path.write_text(json.dumps(record(row("finegates", removed=0.4))))
    found = read_compared(path)
    assert found and found.runs[0].removed_weights_fraction == 0.4 and found.settings["epochs"] == 5
