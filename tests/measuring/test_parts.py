"""Parts of the rows: each stratum has its share, and intervals hold what they promise."""

import numpy as np
import pytest

from finegates.measuring.parts import interval, stratified_order
from finegates.training.metrics import compute_metrics


@pytest.mark.parametrize("rows", [10, 50, 200])
def test_every_beginning_has_each_class_in_its_share(rows):
    labels = np.random.default_rng(0).choice(3, 400, p=[0.7, 0.2, 0.1])
    order = stratified_order(labels, "classification")
    assert sorted(order) == list(range(400))
    counts = np.bincount(labels[order[:rows]], minlength=3)
    expected = np.bincount(labels) * rows / 400
    assert np.abs(counts - expected).max() <= 1
    assert (order == stratified_order(labels, "classification")).all()


def test_numbers_are_stratified_by_size():
    labels = np.random.default_rng(0).normal(size=500)
    part = labels[stratified_order(labels, "regression")[:50]]
    edges = np.quantile(labels, np.linspace(0, 1, 11))
    counts, _ = np.histogram(part, edges)
    assert counts.min() >= 4 and counts.max() <= 6


def predictions(metric, random, rows=800):
    if metric == "pearson":
        true = random.normal(size=rows)
        return true, true + random.normal(scale=0.7, size=rows)
    true = (random.random(rows) < 0.3).astype(int)
    return true, np.where(random.random(rows) < 0.85, true, 1 - true)


@pytest.mark.parametrize(
    "metric",
    ["accuracy", "pearson", *(pytest.param(m, marks=pytest.mark.slow) for m in ("f1", "matthews"))],
)
def test_intervals_have_the_score_on_all_rows_about_as_often_as_they_say(metric):
    random, held, times = np.random.default_rng(1), 0, 150
    for _ in range(times):
        true, given = predictions(metric, random)

        def score(rows, given=given, true=true):
            return compute_metrics((metric,), given[rows], true[rows])[metric]

        order = stratified_order(true, "regression" if metric == "pearson" else "classification")
        low, high = interval(score, order[:100], len(true))
        held += low <= score(np.arange(len(true))) <= high
    assert 0.89 <= held / times <= 0.99


def test_an_interval_is_never_nothing_but_on_all_rows():
    def perfect(rows):
        return 1.0

    low, high = interval(perfect, np.arange(50), 500)
    assert low < 0.96 and high == 1.0
    assert interval(perfect, np.arange(50), 50) == (1.0, 1.0)
