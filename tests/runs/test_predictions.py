"""Answers to single rows are kept as they are, and a damaged file is a sentence."""

import numpy as np
import pytest

from finegates.errors import RunError
from finegates.runs.predictions import (
    PREDICTIONS_FILE,
    Predictions,
    read_predictions,
    read_reference,
    write_predictions,
)


@pytest.mark.parametrize("reference", [None, np.array([1, 1, 0])])
def test_classes_come_back_as_whole_numbers(tmp_path, reference):
    given = Predictions(np.array([0, 1, 2]), np.array([0, 1, 1], np.int32), reference)
    write_predictions(tmp_path, given)
    found = read_predictions(tmp_path)
    assert found.labels.tolist() == [0, 1, 2] and found.answers.tolist() == [0, 1, 1]
    assert found.answers.dtype == np.int64
    assert (found.reference is None) == (reference is None)


def test_numbers_come_back_as_they_are(tmp_path):
    write_predictions(tmp_path, Predictions(np.array([0.5, 2.0]), np.array([0.1, 3e6], np.float32)))
    found = read_predictions(tmp_path)
    assert found.answers.tolist() == [float(np.float32(0.1)), 3e6]


@pytest.mark.parametrize("damage", [b"", b"\x00" * 40, None])
def test_a_missing_or_damaged_file_is_one_sentence(tmp_path, damage):
    if damage is not None:
        (tmp_path / PREDICTIONS_FILE).write_bytes(damage)
    with pytest.raises(RunError, match=tmp_path.name):
        read_predictions(tmp_path)


def test_rows_that_do_not_match_are_damage(tmp_path):
    write_predictions(tmp_path, Predictions(np.array([0, 1]), np.array([1])))
    with pytest.raises(RunError, match="damaged"):
        read_predictions(tmp_path)


def test_before_the_end_there_is_a_reference_and_no_answer(tmp_path):
    assert read_reference(tmp_path) is None
    write_predictions(tmp_path, Predictions(np.array([0, 1]), None, np.array([1, 1])))
    assert read_reference(tmp_path).tolist() == [1, 1]
    with pytest.raises(RunError, match="not finished"):
        read_predictions(tmp_path)
