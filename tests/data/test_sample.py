"""Claims about the bundled sample: made again it is the same, and words alone do not solve it."""

import random

import pandas as pd
import pytest

from finegates.data.sample import LABELS, SAMPLE_PATH, load_sample
from scripts.make_sample import FAULTS, NO_FAULT, make_sample, sample_csv

BAG_OF_WORDS_LIMIT = 0.65
PHRASES_AT_LEAST = 0.6


@pytest.fixture(scope="module")
def sample() -> pd.DataFrame:
    return load_sample()


def test_bundled_file_is_what_the_generator_makes() -> None:
    assert sample_csv().encode() == SAMPLE_PATH.read_bytes()


def test_reading_gives_back_the_generated_rows(sample: pd.DataFrame) -> None:
    assert sample.to_numpy().tolist() == make_sample().to_numpy().tolist()


def test_another_seed_gives_other_sentences() -> None:
    assert set(make_sample(1)["text"]) != set(make_sample(2)["text"])


def test_splits_have_their_size_and_are_balanced(sample: pd.DataFrame) -> None:
    counts = sample.groupby(["split", "label"]).size().to_dict()
    assert counts == {
        (split, label): rows
        for split, rows in (("train", 1000), ("validation", 200))
        for label in LABELS
    }


def test_no_sentence_stands_twice_or_in_both_splits(sample: pd.DataFrame) -> None:
    assert sample["text"].is_unique


def test_right_sentences_have_no_fault_and_broken_ones_have_one(sample: pd.DataFrame) -> None:
    assert ((sample["fault"] == NO_FAULT) == (sample["label"] == "acceptable")).all()
    faults = sample.loc[sample["fault"] != NO_FAULT].groupby("split")["fault"].value_counts()
    assert len(faults) == 2 * len(set(FAULTS))
    assert faults.loc["validation"].min() >= 20


def test_first_rows_hold_both_labels(sample: pd.DataFrame) -> None:
    assert 0.3 < (sample["label"].head(64) == "acceptable").mean() < 0.7


@pytest.mark.parametrize("fault", sorted(set(FAULTS), key=lambda fault: fault.__name__))
def test_every_fault_changes_the_sentence(fault) -> None:
    rng = random.Random(0)
    for _ in range(200):
        right, broken = fault(rng)
        assert right != broken


def _score_of_words(sample: pd.DataFrame, longest_phrase: int) -> float:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    train, validation = (sample[sample["split"] == s] for s in ("train", "validation"))
    counts = CountVectorizer(ngram_range=(1, longest_phrase))
    model = make_pipeline(counts, LogisticRegression(max_iter=2000))
    model.fit(train["text"], train["label"])
    return float(model.score(validation["text"], validation["label"]))


def test_a_bag_of_words_does_not_solve_it(sample: pd.DataFrame) -> None:
    assert _score_of_words(sample, 1) < BAG_OF_WORDS_LIMIT


def test_neighbouring_words_tell_something(sample: pd.DataFrame) -> None:
    assert _score_of_words(sample, 2) > PHRASES_AT_LEAST
