"""Claims about files that were refused or misread: each is read as it is meant, or asked about."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from finegates.commands.findings import print_findings
from finegates.data.report import report_of_file
from finegates.data.splits import load_splits
from finegates.errors import DataError, SpecError
from finegates.models.tokens import unknown_share
from finegates.spec import make_spec
from tests.faults_reported.inputs import INPUTS, ROWS, write


def spec_of(folder: Path, name: str, **settings: object):
    return make_spec({"data": str(write(folder, name)), **settings})


@pytest.fixture
def told(tmp_path, capsys) -> Iterator:
    """What the command line prints of an input before a run."""

    def ask(name: str, **settings: object) -> str:
        print_findings(spec_of(tmp_path, name, **settings))
        return capsys.readouterr().err

    yield ask


@pytest.mark.parametrize("name", sorted(INPUTS))
def test_every_input_is_learned_from_or_refused_with_what_to_do(tmp_path, name):
    spec = spec_of(tmp_path, name)
    if name in ("no_header.csv", "text_zero_width.csv"):
        with pytest.raises(DataError, match="Set header=no|cleaning: drop_empty_texts"):
            load_splits(spec)
        return
    splits = load_splits(spec)
    assert len(splits.train) + len(splits.validation) == {
        "many_classes.csv": 240, "chinese.csv": 80,
    }.get(name, ROWS)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "separator"),
    [("semicolon", "semicolon"), ("semicolon_and_commas", "semicolon"), ("tabs", "tab"),
     ("semicolon_decimal", "semicolon")],
)  # fmt: skip
def test_a_separator_is_found_and_named(tmp_path, told, name, separator):
    report = report_of_file(spec_of(tmp_path, f"{name}.csv"))
    assert report.format.separator == separator and not report.refusal
    assert "121 of 121 lines have 2 fields" in report.format.certainty["separator"]
    assert f"separator {separator}: 121 of 121" in told(f"{name}.csv")


@pytest.mark.parametrize("name", ["decimal_comma.csv", "semicolon_decimal.csv"])
def test_a_decimal_comma_makes_numbers_and_no_classes(tmp_path, told, name):
    splits = load_splits(spec_of(tmp_path, name))
    assert splits.problem == "regression"
    assert splits.train["label"].between(0, 5).all() and (splits.train["label"] % 1 != 0).any()
    assert "decimal comma" in told(name) and "set problem=classification" in told(name)


def test_whole_scores_are_numbers_and_the_other_way_is_asked_about(tmp_path, told):
    assert load_splits(spec_of(tmp_path, "whole_scores.csv")).problem == "regression"
    assert "question: 'score' holds 60 different numbers" in told("whole_scores.csv")
    as_classes = load_splits(spec_of(tmp_path, "whole_scores.csv", problem="classification"))
    assert len(as_classes.labels) == 60
    assert "question" not in told("whole_scores.csv", problem="classification")


@pytest.mark.parametrize(
    ("name", "classes", "example"),
    [("labels_1_and_1.0.csv", {"0", "1"}, "'1.0' and '1'"),
     ("labels_zero_width.csv", {"neg", "pos"}, "'pos<U+200B>' and 'pos'")],
)  # fmt: skip
def test_spellings_of_one_class_are_told_and_made_one(tmp_path, told, name, classes, example):
    assert len(load_splits(spec_of(tmp_path, name)).labels) > 2
    assert example in told(name) and "--cleaning unify_labels" in told(name)
    splits = load_splits(spec_of(tmp_path, name, cleaning=("unify_labels",)))
    assert {label.rstrip("0").rstrip(".") or "0" for label in splits.labels} == classes
    assert "Wrote" in splits.done[0]
    assert "several ways" not in told(name, cleaning=("unify_labels",))


def test_a_text_of_invisible_characters_is_empty(tmp_path, told):
    report = report_of_file(spec_of(tmp_path, "text_zero_width.csv"))
    (fault,) = report.faults
    assert fault.rows == (4,) and fault.refused and fault.remedies == ("drop_empty_texts",)
    assert "(row 4)" in told("text_zero_width.csv")
    splits = load_splits(spec_of(tmp_path, "text_zero_width.csv", cleaning=("drop_empty_texts",)))
    assert len(splits.train) + len(splits.validation) == ROWS - 1
    assert splits.done == ("Left out 1 row without text.",)


def test_a_first_row_of_data_is_asked_about_and_never_lost(tmp_path):
    with pytest.raises(DataError, match="The first row looks like data.*header=no"):
        load_splits(spec_of(tmp_path, "no_header.csv"))
    report = report_of_file(spec_of(tmp_path, "no_header.csv"))
    assert report.format.header is None and report.description.rows == ROWS
    assert "header=yes if it has one" in report.refusal
    for header, rows in (("no", ROWS), ("yes", ROWS - 1)):
        splits = load_splits(spec_of(tmp_path, "no_header.csv", header=header))
        assert len(splits.train) + len(splits.validation) == rows


def test_an_empty_value_is_not_a_value_left_out():
    with pytest.raises(SpecError, match="data is empty; give a value, or leave data out"):
        make_spec({"data": ""})


def test_texts_that_the_tokenizer_can_not_read_are_told(tmp_path, told):
    texts = load_splits(spec_of(tmp_path, "chinese.csv")).train["text"].tolist()
    assert unknown_share("minilm", texts) > 0.5
    assert "tokens are unknown to the model 'minilm'" in told("chinese.csv")
    assert "unknown" not in told("one.csv")


def test_a_column_without_name_and_values_is_no_label(tmp_path):
    columns = report_of_file(spec_of(tmp_path, "unnamed_first.csv")).columns
    assert (columns.text, columns.label) == ("v2", "v1")


def test_several_label_columns_are_asked_about(tmp_path, told):
    columns = report_of_file(spec_of(tmp_path, "multi_label_columns.csv")).columns
    assert columns.text == "comment_text" and columns.label == "toxic"
    for word in ("'toxic'", "'obscene'", "'insult'", "One label per row"):
        assert word in columns.question and word in told("multi_label_columns.csv")
    chosen = report_of_file(spec_of(tmp_path, "multi_label_columns.csv", label_column="insult"))
    assert chosen.columns.question == ""


def test_a_share_counts_classes_and_nothing_else(tmp_path):
    counts = report_of_file(spec_of(tmp_path, "many_classes.csv")).description.class_counts
    assert max(counts.values()) / sum(counts.values()) == 0.025
