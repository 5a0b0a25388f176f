"""Claims about splits that are given, and about training rows that are drawn."""

import pandas as pd
import pytest

from finegates.data.splits import load_splits, sample_rows
from finegates.errors import DataError
from finegates.spec import make_spec


def write(path, rows, names=("text", "label", "split")):
    pd.DataFrame(rows, columns=list(names)).to_csv(path, index=False)
    return str(path)


def rows_of(number, sides, start=0):
    return [
        (f"text {i}", "xy"[i // 5 % 2], sides[i % len(sides)]) for i in range(start, start + number)
    ]


def test_a_split_in_the_file_is_used_and_its_test_rows_are_left_out(tmp_path):
    data = write(tmp_path / "a.csv", rows_of(100, ["train", "Train", "train", "dev", "TEST"]))
    splits = load_splits(make_spec({"data": data}))
    assert [int(t.split()[1]) % 5 for t in splits.validation["text"]] == [3] * 20
    assert len(splits.train) == 60 and splits.split_is_given
    assert splits.done == (
        "Split the rows as the column 'split' says.", "Left out 20 rows for testing.",
    )  # fmt: skip
    free = load_splits(make_spec({"data": data, "split_column": "(none)"}))
    assert (len(free.train), len(free.validation), free.done) == (80, 20, ())


def test_a_split_without_validation_is_split_by_the_run(tmp_path):
    data = write(tmp_path / "a.csv", rows_of(80, ["train", "train", "train", "test"]))
    splits = load_splits(make_spec({"data": data}))
    assert (len(splits.train), len(splits.validation)) == (48, 12)
    assert "no rows for validation; they are drawn" in splits.done[0]


def test_a_column_of_another_name_is_used_only_when_it_is_named(tmp_path):
    names = ("text", "label", "where")
    data = write(tmp_path / "a.csv", rows_of(80, ["train", "valid"]), names)
    assert len(load_splits(make_spec({"data": data})).validation) == 16
    named = load_splits(make_spec({"data": data, "split_column": "where"}))
    assert len(named.validation) == 40


@pytest.mark.parametrize(
    ("sides", "column", "words"),
    [
        (["train", "dev", "huh"], "split", "says 'huh' too"),
        (["dev", "test"], "split", "no rows for training"),
        (["train", "dev"], "splits", "Unknown split_column 'splits'. Did you mean 'split'"),
    ],
)
def test_a_column_that_does_not_split_is_refused(tmp_path, sides, column, words):
    data = write(tmp_path / "a.csv", rows_of(60, sides))
    with pytest.raises(DataError, match=words):
        load_splits(make_spec({"data": data, "split_column": column}))


def test_a_second_file_is_for_validation(tmp_path):
    data = write(tmp_path / "a.csv", rows_of(40, ["-"]))
    other = tmp_path / "b.csv"
    pd.DataFrame(rows_of(10, ["-"], 90), columns=["text", "label", "x"]).to_csv(
        other, index=False, sep=";", encoding="utf-16"
    )
    splits = load_splits(make_spec({"data": data, "validation_data": str(other)}))
    assert (len(splits.train), len(splits.validation)) == (40, 10)
    assert splits.validation["text"].tolist() == [f"text {i}" for i in range(90, 100)]
    assert splits.done == ("Took 10 rows of 'b.csv' for validation.",)
    write(other, [("a", "x")], ("words", "label"))
    with pytest.raises(DataError, match="'b.csv' has no column 'text'; it has: words, label"):
        load_splits(make_spec({"data": data, "validation_data": str(other)}))


def test_a_class_on_one_side_of_a_given_split_is_told_in_words_that_fit(tmp_path):
    rows = rows_of(40, ["train", "train", "train", "dev"])
    data = write(tmp_path / "a.csv", [*rows, ("z", "only here", "train")])
    assert (
        "No validation row has the label only here." in load_splits(make_spec({"data": data})).done
    )
    write(tmp_path / "a.csv", [*rows, ("z", "only here", "dev")])
    with pytest.raises(DataError, match="not in the 30 training rows: only here.*move rows of it"):
        load_splits(make_spec({"data": data}))


@pytest.mark.parametrize("most", [5, 12, 50])
def test_drawn_rows_keep_the_share_of_each_class_and_one_row_at_least(most):
    labels = [0] * 60 + [1] * 30 + [2] * 9 + [3]
    frame = pd.DataFrame({"text": [str(i) for i in range(100)], "label": labels})
    drawn = sample_rows(frame, most, 3, stratified=True)
    counts = drawn["label"].value_counts()
    assert len(drawn) == most and {*counts.index} == {0, 1, 2, 3}
    assert abs(counts[0] - 0.6 * most) <= 2 and abs(counts[1] - 0.3 * most) <= 2
    assert drawn.equals(sample_rows(frame, most, 3, stratified=True))
    assert not drawn.equals(sample_rows(frame, most, 4, stratified=True))
    assert [*drawn["text"].astype(int)] == sorted(drawn["text"].astype(int))


def test_with_fewer_rows_than_classes_the_frequent_ones_are_drawn():
    frame = pd.DataFrame({"text": [str(i) for i in range(10)], "label": [0] * 5 + [1] * 4 + [2]})
    assert {*sample_rows(frame, 2, 0, stratified=True)["label"]} == {0, 1}


def test_a_sorted_file_is_cut_without_losing_a_class(tmp_path):
    data = write(tmp_path / "a.csv", sorted(rows_of(100, ["-"]), key=lambda row: row[1]))
    splits = load_splits(make_spec({"data": data, "max_train_samples": 10}))
    assert splits.train["label"].value_counts().to_dict() == {0: 5, 1: 5}
    assert splits.done == ("Drew 10 of 80 rows for training.",)
