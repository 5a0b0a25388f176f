"""Claims about what is told of a user's rows before a run: each fault, with its rows."""

import time
from pathlib import Path

import pandas as pd
import pytest

from finegates.data.columns import Columns
from finegates.data.findings import Finding, find_faults
from finegates.data.report import report_on
from finegates.data.sample import load_sample
from finegates.data.user_files import read_frame
from finegates.errors import DataError
from finegates.spec import make_spec

COLUMNS = Columns("text", None, "label", "classification")
GOOD = [(f"the film number {i} was {'nice' if i % 2 else 'dull'}", "bg"[i % 2]) for i in range(40)]


def frame_of(rows: list[tuple]) -> pd.DataFrame:
    names = ["text", "label"] if len(rows[0]) == 2 else ["text", "pair", "label"]
    return pd.DataFrame(rows, columns=names, dtype="str")


def faults(rows: list[tuple], columns: Columns = COLUMNS) -> dict[str, Finding]:
    return {fault.name: fault for fault in find_faults(frame_of(rows), columns)}


def report(tmp_path: Path, rows: list[tuple], **settings):
    path = tmp_path / "rows.csv"
    frame_of(rows).to_csv(path, index=False)
    spec = make_spec({"data": str(path), "text_column": "text", "label_column": "label"} | settings)
    return report_on(read_frame(path), spec)


def test_sound_rows_have_no_fault(tmp_path):
    found = report(tmp_path, GOOD)
    assert (found.faults, found.refusal) == ((), "")
    assert (found.num_train, found.num_validation) == (32, 8)
    assert found.words.tolist() == [6] * 40


def test_the_bundled_sample_has_no_fault():
    spec = make_spec({})
    found = report_on(load_sample(), spec)
    assert (found.faults, found.refusal) == ((), "")
    assert found.columns == COLUMNS and (found.num_train, found.num_validation) == (2000, 400)


def test_empty_texts_and_labels_are_named_by_row_and_refused():
    found = faults([*GOOD, (" ", "b"), ("a", ""), ("", "g")])
    assert found["Empty text"].rows == (41, 43) and found["Empty text"].refused
    assert found["Empty label"].rows == (42,) and found["Empty label"].refused


def test_an_empty_second_text_is_a_fault_of_its_own():
    rows = [(text, "next", label) for text, label in GOOD] + [("a", "", "b")]
    found = faults(rows, Columns("text", "pair", "label", "classification"))
    assert found["Empty second text"].rows == (41,) and "Empty text" not in found


def test_a_label_that_is_no_number_is_named_where_numbers_are_predicted():
    rows = [(f"text {i}", str(i / 3)) for i in range(30)] + [("a", "high"), ("b", "inf"), ("c", "")]
    found = faults(rows, Columns("text", None, "label", "regression"))
    assert found["Label is no number"].rows == (31, 32)
    assert "'high', 'inf'" in found["Label is no number"].text
    assert found["Empty label"].rows == (33,)


@pytest.mark.parametrize(
    ("slip", "rows", "told"),
    [("G", 6, True), ("G", 40, True), ("b1", 4, False)],
)
def test_labels_that_differ_by_case_alone_are_one(slip, rows, told):
    found = faults([*GOOD, *((f"another {i}", slip) for i in range(rows))])
    assert ("Class in several spellings" in found) == told and "Label slip" not in found


def test_a_rare_class_that_looks_like_a_large_one_is_told_with_its_rows():
    many = [(f"text {i}", "positive" if i % 2 else "negative") for i in range(200)]
    found = faults([*many, ("x", "postive"), ("y", "postive")])
    assert found["Label slip"].rows == (201, 202)
    assert "'postive' (2 rows) looks like 'positive' (100 rows)" in found["Label slip"].text
    assert "Label slip" not in faults([*many, *((f"z{i}", "postive") for i in range(50))])


def test_grades_are_no_slips_of_one_another():
    grades = [(f"text {i}", "10" if i % 40 else "100") for i in range(400)]
    assert "Label slip" not in faults(grades)


def test_a_class_of_one_row_is_refused_and_shown():
    found = faults([*GOOD, ("lonely", "zzz")])
    assert found["Class of one row"].rows == (41,) and found["Class of one row"].refused


def test_repeated_rows_and_contradicting_labels_are_told_apart():
    again, at_odds = GOOD[3], (GOOD[4][0], "g")
    found = faults([*GOOD, again, again, at_odds])
    assert found["Repeated row"].rows == (41, 42)
    assert found["Same text, different labels"].rows == (5, 43)
    assert not found["Repeated row"].refused


def test_pairs_repeat_only_if_both_texts_do():
    columns = Columns("text", "pair", "label", "classification")
    rows = [("a", "b", "x"), ("a", "c", "y"), ("ab", "c", "x"), ("a", "bc", "y")] * 1
    assert not {"Repeated row", "Same text, different labels"} & faults(rows, columns).keys()
    assert faults([*rows, ("a", "c", "y")], columns)["Repeated row"].rows == (5,)


def test_a_text_in_both_splits_is_told_with_all_its_rows(tmp_path):
    found = report(tmp_path, [*GOOD, *GOOD])
    (leak,) = [f for f in found.faults if f.name == "Text in training and validation"]
    assert found.refusal == "" and not leak.refused
    assert "of 16 validation rows" in leak.text
    texts = [(GOOD + GOOD)[row - 1][0] for row in leak.rows]
    assert len(texts) == 2 * len({*texts})  # every row of each leaked text
    assert "Text in training and validation" not in {f.name for f in report(tmp_path, GOOD).faults}


def test_what_a_run_says_of_rows_that_it_refuses_is_told_in_its_words(tmp_path):
    found = report(tmp_path, [(text, "good") for text, _ in GOOD])
    assert "has one class only, 'good'" in found.refusal and found.num_train == 0
    assert "is empty in row 41" in report(tmp_path, [*GOOD, ("", "b")]).refusal


def test_refused_faults_come_first(tmp_path):
    found = report(tmp_path, [*GOOD, GOOD[0], ("", "b")]).faults
    assert [f.refused for f in found] == sorted((f.refused for f in found), reverse=True)
    assert len({f.refused for f in found}) == 2


def test_a_column_that_is_not_there_is_told(tmp_path):
    with pytest.raises(DataError, match="Unknown column 'verdict'"):
        report(tmp_path, GOOD, label_column="verdict")


@pytest.mark.slow
def test_a_hundred_thousand_rows_take_seconds(tmp_path):
    rows = [(f"the film number {i} was quite nice", "gb"[i % 2]) for i in range(100_000)]
    start = time.perf_counter()
    found = report(tmp_path, [*rows, rows[7]])
    seconds = time.perf_counter() - start
    print(f"\n100,001 rows written, read and checked in {seconds:.1f} s")
    assert found.description.rows == 100_001 and seconds < 30
    assert next(f for f in found.faults if f.name == "Repeated row").rows == (100_001,)
