"""Claims about remedies: each does what its button says, always the same, and says how much."""

import pandas as pd
import pytest

from finegates.data import remedies
from finegates.data.columns import Columns
from finegates.data.findings import find_faults
from finegates.data.remedies import REMEDIES, clean
from finegates.data.splits import load_splits
from finegates.errors import DataError, SpecError
from finegates.spec import REMEDIES as CHOICES
from finegates.spec import make_spec

COLUMNS = Columns("text", None, "label", "classification")
GOOD = [(f"the film number {i}", "bg"[i % 2]) for i in range(20)]
BAD = {
    "drop_empty_texts": ([(" ", "b"), ("\u200b", "g")], 2, "Left out 2 rows without text."),
    "drop_unlabelled": ([("x", ""), ("y", "\u2060")], 2, "Left out 2 rows without a label."),
    "drop_repeats": (
        [GOOD[3], GOOD[3]], 2, "Left out 2 rows that repeat an earlier text and label."
    ),
    "drop_contradictions": (
        [(GOOD[3][0], "b")], 2, "Left out 2 rows whose text stands there with different labels."
    ),
    "drop_rare_classes": (
        [("x", "r"), ("y", "s"), ("z", "s")], 3, "Left out 3 rows of rare classes."
    ),
    "merge_rare_classes": (
        [("x", "r"), ("y", "s"), ("z", "s")], 0, "Merged 2 rare classes, 3 rows, into 'other'."
    ),
    "unify_labels": (
        [("x", "B"), ("y", "g\u200b"), ("z", "ｇ")], 0,
        "Wrote 3 spellings of classes as the most frequent one, in 3 rows.",
    ),
    "mend_slips": (
        [*((f"p {i}", "positive") for i in range(20)), ("x", "postive")], 0,
        "Counted 'postive' as 'positive', in 1 row.",
    ),
}  # fmt: skip


def frame_of(rows: list[tuple]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["text", "label"], dtype="str")


def test_the_settings_choices_are_the_remedies_in_their_order():
    assert tuple(REMEDIES) == CHOICES
    assert all(
        remedy.name == name and remedy.help.endswith(".") for name, remedy in REMEDIES.items()
    )


@pytest.mark.parametrize("name", BAD)
def test_a_remedy_mends_what_was_found_and_only_that(name):
    bad, fewer, said = BAD[name]
    frame = frame_of([*GOOD, *bad])
    (found,) = [f for f in find_faults(frame, COLUMNS) if name in f.remedies]
    cleaned = clean(frame, COLUMNS, [name])
    assert len(cleaned.frame) == len(frame) - fewer and cleaned.done == (said,)
    assert not [f for f in find_faults(cleaned.frame, COLUMNS) if f.name == found.name]
    again = clean(cleaned.frame, COLUMNS, [name])
    assert again.done == () and again.frame.equals(cleaned.frame)
    assert clean(frame_of(GOOD), COLUMNS, [name]).done == ()


def test_the_rows_of_cleaned_frames_keep_their_numbers():
    frame = frame_of([("", "b"), *GOOD, ("", "g"), ("lonely", "zzz")])
    cleaned = clean(frame, COLUMNS, ["drop_empty_texts"])
    (found,) = find_faults(cleaned.frame, COLUMNS)
    assert found.rows == (23,)


def test_one_class_of_one_row_can_not_be_merged_and_is_left_out():
    cleaned = clean(frame_of([*GOOD, ("x", "r")]), COLUMNS, ["merge_rare_classes"])
    assert len(cleaned.frame) == len(GOOD) and "left out" in cleaned.done[0]


def test_small_classes_are_not_rare_where_all_are_small():
    frame = frame_of([(f"t {i}", str(i % 10)) for i in range(40)])
    assert remedies.rare_classes(frame["label"]) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [("1", "1.0"), ("1", "1,0"), ("caf\u00e9", "cafe\u0301"), ("Yes", "yes "), ("a b", "a\u00a0 b"),
     ("x", "\ufeffx"), ("-1", "-1.00")],
)  # fmt: skip
def test_spellings_of_one_class(one, other):
    assert remedies.one_spelling(one) == remedies.one_spelling(other)


@pytest.mark.parametrize(("one", "other"), [("1", "10"), ("1.5", "1"), ("01", "1"), ("a", "á")])
def test_other_classes_stay_other_classes(one, other):
    assert remedies.one_spelling(one) != remedies.one_spelling(other)


def test_labels_that_are_no_numbers_are_left_out_of_a_regression():
    frame = frame_of([(f"t {i}", f"{i},5") for i in range(9)] + [("x", "much"), ("y", "")])
    columns = Columns("text", None, "label", "regression", "comma")
    cleaned = clean(frame, columns, ["drop_unlabelled"])
    assert len(cleaned.frame) == 9 and cleaned.done == ("Left out 2 rows without a label.",)


def test_a_run_learns_from_cleaned_rows_and_says_so(tmp_path):
    path = tmp_path / "a.csv"
    rows = [*GOOD, ("", "b"), ("x", ""), ("lonely", "zzz"), GOOD[2]]
    frame_of(rows).to_csv(path, index=False)
    names = ["drop_empty_texts", "drop_unlabelled", "drop_rare_classes", "drop_repeats"]
    splits = load_splits(make_spec({"data": str(path), "cleaning": tuple(names)}))
    assert len(splits.train) + len(splits.validation) == len(GOOD) and len(splits.done) == 4
    assert splits.labels == ("b", "g")
    other = load_splits(make_spec({"data": str(path), "cleaning": tuple(names[::-1])}))
    assert other.fingerprint == splits.fingerprint
    with pytest.raises(DataError, match="cleaning: drop_empty_texts"):
        load_splits(make_spec({"data": str(path)}))


def test_leaks_are_taken_out_of_validation_after_the_split(tmp_path):
    path = tmp_path / "a.csv"
    frame_of([*GOOD * 3, *((f"alone {i}", "bg"[i % 2]) for i in range(40))]).to_csv(
        path, index=False
    )
    whole = load_splits(make_spec({"data": str(path)}))
    splits = load_splits(make_spec({"data": str(path), "cleaning": ("drop_leaks",)}))
    assert splits.train.equals(whole.train)
    assert not {*splits.train["text"]} & {*splits.validation["text"]}
    left_out = len(whole.validation) - len(splits.validation)
    assert left_out > 0
    assert splits.done == (f"Left out {left_out} rows of validation with a text of training.",)


def test_two_remedies_that_exclude_each_other_are_refused():
    with pytest.raises(SpecError, match="choose one of them"):
        make_spec({"data": "a.csv", "cleaning": ("merge_rare_classes", "drop_rare_classes")})
