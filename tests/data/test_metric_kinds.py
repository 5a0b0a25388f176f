"""Claims about the direction of metrics: whatever compares scores, the better one is better."""

import math

import numpy as np
import pytest

from finegates.data.metric_kinds import (
    bounds,
    change_text,
    goodness,
    loss_of,
    over_blocks,
    scaled_name,
    scaled_text,
    score_after,
    score_text,
    share_of,
)
from finegates.measuring.paired import paired_drop
from finegates.reports.words import metric_name
from finegates.training.metrics import MOST_LOSS, compute_metrics

BLOCKS = over_blocks("perplexity", 128)
WORSE_AND_BETTER = [("accuracy", 0.7, 0.8), ("perplexity", 20.0, 10.0), (BLOCKS, 3.1, 3.0)]


@pytest.mark.parametrize(("metric", "worse", "better"), WORSE_AND_BETTER)
def test_the_better_score_is_better_in_every_comparison(metric, worse, better):
    assert goodness(metric, better) > goodness(metric, worse)
    assert loss_of(metric, better, worse) > 0 > loss_of(metric, worse, better)
    assert share_of(metric, worse, better) < 1 < share_of(metric, better, worse)
    low, high = bounds(metric)
    assert low <= min(worse, better) and max(worse, better) <= high


@pytest.mark.parametrize(("metric", "score", "reference"), WORSE_AND_BETTER)
def test_a_loss_leads_from_the_reference_to_the_score(metric, score, reference):
    loss = loss_of(metric, reference, score)
    assert score_after(metric, reference, loss) == pytest.approx(score)


def test_a_perplexity_that_is_a_hundredth_higher_has_lost_a_point():
    assert loss_of("perplexity", 20.0, 20.2) == pytest.approx(0.01)
    assert loss_of("accuracy", 0.80, 0.79) == pytest.approx(0.01)


def test_scores_are_written_as_their_metric_wants():
    assert score_text(0.8291, "accuracy") == "0.829" and scaled_text(0.8291, "f1") == "82.9"
    assert score_text(12.3456, BLOCKS) == scaled_text(12.3456, BLOCKS) == "12.35"
    assert score_text(1234.56, "perplexity") == "1234.6"
    assert change_text(12.0, 11.5, BLOCKS) == "-0.50" and change_text(0.8, 0.81, "f1") == "+0.010"
    assert (scaled_name("f1"), scaled_name(BLOCKS)) == ("f1 x 100", "perplexity@128")
    assert metric_name(BLOCKS) == "Perplexity (blocks of 128)"


def test_perplexity_by_hand():
    losses, tokens = np.log([2.0, 8.0]) * [3, 1], np.array([3, 1])
    found = compute_metrics((BLOCKS,), losses, tokens)
    assert found[BLOCKS] == pytest.approx(2 ** (6 / 4))  # (3 ln 2 + ln 8) / 4
    right = compute_metrics(("token_accuracy",), np.array([2, 0]), tokens)
    assert right["token_accuracy"] == 0.5


@pytest.mark.parametrize("losses", [[math.nan, 1.0], [math.inf, 1.0], [1e9, 1.0]])
def test_a_model_that_answers_no_numbers_is_the_worst_and_never_the_best(losses):
    found = compute_metrics(("perplexity",), np.array(losses), np.array([1, 1]))["perplexity"]
    assert found == pytest.approx(math.exp(MOST_LOSS))


def test_a_model_that_became_more_perplexed_has_lost_with_certainty():
    tokens = np.full(200, 10)
    before = tokens * np.random.default_rng(0).normal(2.0, 0.2, 200)
    found = paired_drop("perplexity", tokens, [before], [before + 0.1 * tokens])
    assert found.drop == pytest.approx(math.exp(0.1) - 1)
    assert found.low == pytest.approx(found.drop) and found.p_value is None
