"""Claims about the scores: GLUE's definitions, and no NaN and no warning anywhere."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finegates.data.metric_kinds import CORRELATIONS, PERPLEXITY, TOKEN_ACCURACY
from finegates.training.metrics import (
    METRICS,
    compute_metrics,
    majority_score,
    only_answer,
)

OF_ROWS = tuple(name for name in METRICS if name not in (PERPLEXITY, TOKEN_ACCURACY))
"""Whose two sides are answers; those of text are sums of tokens."""


def test_scores_by_hand() -> None:
    # true positives 2, false positives 1, false negatives 1, true negatives 1
    scores = compute_metrics(("accuracy", "f1", "matthews"), [1, 1, 1, 0, 0], [1, 1, 0, 1, 0])
    assert scores == pytest.approx({"accuracy": 0.6, "f1": 2 / 3, "matthews": 1 / 6})


def test_macro_f1_is_the_mean_of_the_classes() -> None:
    score = compute_metrics(("macro_f1",), [0, 0, 0, 1], [0, 0, 1, 1])["macro_f1"]
    assert score == pytest.approx((0.8 + 2 / 3) / 2)


def test_f1_is_of_class_one() -> None:
    assert compute_metrics(("f1",), [0, 0, 0], [0, 0, 1])["f1"] == 0.0
    assert compute_metrics(("f1",), [1, 1], [1, 1])["f1"] == 1.0


def test_spearman_sees_order_and_pearson_sees_lines() -> None:
    scores = compute_metrics(("pearson", "spearman"), [1.0, 2.0, 3.0], [1.0, 10.0, 1000.0])
    assert scores["spearman"] == pytest.approx(1.0)
    assert 0.5 < scores["pearson"] < 0.99


@pytest.mark.parametrize("name", CORRELATIONS)
@pytest.mark.parametrize("constant", [0, 3, math.nan, math.inf])
def test_constant_or_diverged_predictions_score_zero(name: str, constant: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert compute_metrics((name,), [constant] * 4, [0, 1, 0, 1]) == {name: 0.0}
        assert compute_metrics((name,), [0, 1, 0, 1], [2] * 4) == {name: 0.0}
        assert compute_metrics((name,), [1], [1]) == {name: 0.0}


pairs = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30)


@given(pairs)
def test_every_score_is_finite_and_in_range_without_a_warning(rows: list) -> None:
    predictions, references = zip(*rows, strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = compute_metrics(OF_ROWS, predictions, references)
    assert tuple(scores) == OF_ROWS
    assert all(-1.000001 <= score <= 1.000001 for score in scores.values())


def test_nearly_constant_predictions_give_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        near = [1e8, 1e8 + 1e-8 * 2, 1e8 + 1e-7]
        score = compute_metrics(("pearson",), near, [1.0, 2.0, 3.0])["pearson"]
    assert math.isfinite(score)


def test_majority_score() -> None:
    assert majority_score("accuracy", [1, 1, 0], [1, 0, 0, 0]) == 0.25
    assert majority_score("f1", [1, 1, 0], [1, 0]) == pytest.approx(2 / 3)
    assert majority_score("matthews", [1, 1, 0], [1, 0]) == 0.0
    assert majority_score("pearson", [1.5, 2.5], [1.0, 2.0]) == 0.0


def test_unknown_metric_names_the_closest() -> None:
    with pytest.raises(ValueError, match="Did you mean 'accuracy'"):
        compute_metrics(("acuracy",), [1], [1])


def test_sides_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="don't match"):
        compute_metrics(("accuracy",), [1, 0], [1])


def test_the_only_answer_is_named_and_rows_that_are_told_apart_have_none() -> None:
    labels = ("bad", "good")
    assert only_answer(np.array([1, 1, 1]), labels) == "good"
    assert only_answer(np.array([1, 0, 1]), labels) == ""
    assert only_answer(np.array([1]), labels) == ""
    assert only_answer(np.array([2.5, 2.5]), ()) == "2.5"
    assert only_answer(np.array([2.5, 2.6]), ()) == ""
