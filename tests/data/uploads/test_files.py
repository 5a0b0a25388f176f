"""Claims about files of users: what was written is read, and a bad one is named as what it is."""

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finegates.data import columns, limits
from finegates.data.columns import Columns, resolve_columns
from finegates.data.rows import describe, labelled_rows
from finegates.data.uploads import save_upload
from finegates.data.user_files import Reading, read_frame
from finegates.errors import DataError
from finegates.files import storage

GOOD = "text,label\nA cat naps.,good\nA dog barks.,bad\nA bird sings.,good\nA fish.,bad\n"
ANY_FOLDER = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])

# No lone surrogates: a file can't hold them. No NUL: a file of text that holds one is refused.
cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
header = st.lists(st.text("abcdefgh_", min_size=1, max_size=5), min_size=1, max_size=4, unique=True)


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    names = draw(header)
    rows = st.lists(cells, min_size=len(names), max_size=len(names))
    return pd.DataFrame(draw(st.lists(rows, min_size=1, max_size=6)), columns=names, dtype="str")


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def write_separated(frame: pd.DataFrame, path: Path, delimiter: str, start: str = "") -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(start)
        writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writerow(frame.columns)
        writer.writerows(frame.to_numpy().tolist())


def refused(path: Path, *words: str) -> None:
    with pytest.raises(DataError) as caught:
        read_frame(path)
    for word in words:
        assert word in str(caught.value)


# Reading


@ANY_FOLDER
@given(frame=tables(), mark=st.sampled_from(["", "\ufeff"]))
def test_separated_files_are_read_as_written(tmp_path: Path, frame, mark: str) -> None:
    for name, delimiter in (("a.csv", ","), ("a.tsv", "\t")):
        write_separated(frame, tmp_path / name, delimiter, mark)
        known = Reading(header="yes")  # any first row may look like data
        pd.testing.assert_frame_equal(read_frame(tmp_path / name, known), frame)


@ANY_FOLDER
@given(frame=tables())
def test_jsonl_and_parquet_are_read_as_written(tmp_path: Path, frame) -> None:
    lines = [json.dumps(row) for row in frame.to_dict("records")]
    path = write(tmp_path, "a.jsonl", "\n".join(lines))
    pd.testing.assert_frame_equal(read_frame(path), frame)
    frame.to_parquet(tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(read_frame(tmp_path / "a.parquet"), frame)


@ANY_FOLDER
@given(content=st.binary(max_size=200), kind=st.sampled_from(["", ".csv", ".parquet"]))
def test_any_bytes_give_a_frame_or_an_error_for_the_user(tmp_path, content: bytes, kind) -> None:
    for start in (
        b"",
        b"text,label\n",
        b'{"text": "',
        b'[{"a": "',
        b"PAR1",
        b"\xff\xfe",
        b"\x1f\x8b\x08",
    ):
        path = write(tmp_path, f"any{kind}", start + content)
        try:
            assert len(read_frame(path))
        except DataError:
            continue


def test_numbers_of_jsonl_and_parquet_keep_their_type(tmp_path: Path) -> None:
    frame = pd.DataFrame({"text": ["a", "b"], "score": [0.5, 1.0], "count": [1, 2]})
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    for name in ("a.parquet", "a.jsonl"):
        pd.testing.assert_frame_equal(read_frame(tmp_path / name), frame)


def test_cells_such_as_na_stay_text(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "text,label\nNA,1\nnull,01\n")
    assert read_frame(path).to_numpy().tolist() == [["NA", "1"], ["null", "01"]]


def test_tsv_without_quoting_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, "a.tsv", 'text\tlabel\n"Hm" she said\t1\nhe said "no\t0\n')
    assert read_frame(path)["text"].tolist() == ['"Hm" she said', 'he said "no']


def test_unnamed_index_column_gets_a_name(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", ",text,label\n0,A cat.,x\n")
    assert list(read_frame(path).columns) == ["unnamed_1", "text", "label"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", ("is empty",)),
        ("a.csv", "text,label\n", ("no rows",)),
        ("a.csv", "\n\n", ("no header",)),
        ("a.jsonl", "\n", ("no header",)),
        ("a.csv", "text,label\nA cat.,1\nA, dog.,0\n", ("line 3", "3 fields", "header has 2")),
        ("a.csv", 'text,label\n"A\ncat",1\nA dog.\n', ("line 4", "1 fields", "header has 2")),
        ("a.tsv", 'text\tlabel\n"A"\t1\nA dog.\n', ("line 3", "1 fields")),
        ("a.csv", 'text,label\n"A cat.,1\n', ("line 2", "quoted field that is not closed")),
        ("a.csv", "text,label,text\nA,1,B\n", ("more than one column 'text'",)),
        ("a.csv", "text, text\nA,1\n", ("more than one column 'text'",)),
        (
            "a.csv",
            b"text,label\n\xc3\xa9,1\n\xc3\xa9\xa0,0\n",
            ("byte 18 (line 3)", "save it as UTF-8"),
        ),
        ("a.csv", b"\xef\xbb\xbftext\ncaf\xe9\n", ("byte 11 (line 2)",)),
        ("a.csv", b"PK\x03\x04rest", ("an Excel workbook",)),
        ("a.parquet", b"PAR1 cut off", ("damaged Parquet",)),
        ("a.jsonl", '{"text": "A"}\n{"text": \n', ("line 2", "not valid JSON")),
        ("a.jsonl", '[["text", "A"]]', ("line 1", "a list and not an object")),
        ("a.jsonl", '{"text": "A", "text": "B"}', ("line 1", "one of its keys twice")),
        ("a.jsonl", '{"text": "\\ud800"}', ("line 1", "surrogate")),
        ("a.jsonl", "[" * 100_000, ("line 1", "not valid JSON")),
    ],
)
def test_bad_file_is_named_for_what_it_is(tmp_path: Path, name, content, words) -> None:
    refused(write(tmp_path, name, content), name, *words)


def test_the_content_decides_and_not_the_ending(tmp_path: Path) -> None:
    frame = pd.DataFrame({"text": ["A b.", "C d."], "label": ["x", "y"]}, dtype="str")
    frame.to_parquet(tmp_path / "parquet")
    frame.to_csv(tmp_path / "csv", index=False)
    frame.to_json(tmp_path / "jsonl", orient="records", lines=True)
    for kind in ("parquet", "csv", "jsonl"):
        for name in ("a", "a.csv", "a.xlsx", "a.parquet", "a.txt", "a.b.c"):
            (tmp_path / name).write_bytes((tmp_path / kind).read_bytes())
            pd.testing.assert_frame_equal(read_frame(tmp_path / name), frame)


def test_parquet_with_a_repeated_column_is_refused(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table([pa.array(["A"]), pa.array(["B"])], names=["text", "text"])
    pq.write_table(table, tmp_path / "a.parquet")
    refused(tmp_path / "a.parquet", "more than one column 'text'")


def test_missing_file_and_folder_are_named(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere.csv", "There is no file", "nowhere.csv")
    refused(tmp_path, "There is no file")


def test_a_gigabyte_is_refused_before_it_is_read(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.truncate(1024**3)  # sparse: takes no space
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail("it was read"))
    refused(path, "1,024 MB", "at most 200 MB")


def test_too_many_rows_or_columns_are_refused(tmp_path: Path, monkeypatch) -> None:
    wide = ",".join(f"c{i}" for i in range(501))
    refused(write(tmp_path, "w.csv", wide + "\n"), "501 columns", "at most 500")
    monkeypatch.setattr(limits, "MAX_ROWS", 3)
    refused(write(tmp_path, "a.csv", GOOD), "more than 3 rows")
    refused(write(tmp_path, "a.jsonl", '{"text": "A"}\n' * 4), "more than 3 rows")
    pd.DataFrame({"text": list("abcd")}).to_parquet(tmp_path / "a.parquet")
    refused(tmp_path / "a.parquet", "more than 3 rows")


def test_parquet_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch) -> None:
    pd.DataFrame({"text": ["A" * 1000] * 50}).to_parquet(tmp_path / "a.parquet")
    monkeypatch.setattr(limits, "MAX_UNPACKED_BYTES", 10)
    refused(tmp_path / "a.parquet", "unpacks to")


# Uploads


def test_upload_gets_a_safe_name_inside_the_folder(tmp_path: Path) -> None:
    for name in ("../../etc/my reviews.CSV", "C:\\data\\my reviews.csv", "..csv", "/.csv.csv"):
        saved = save_upload(name, GOOD.encode(), tmp_path / "uploads")
        assert saved.parent == tmp_path / "uploads"
        assert saved.suffix == ".csv"
        assert saved.read_bytes() == GOOD.encode()
    assert save_upload("a b.csv", b"x", tmp_path).name.endswith("-a_b.csv")


def test_same_upload_is_one_file_and_another_overwrites_nothing(tmp_path: Path) -> None:
    first = save_upload("a.csv", b"one", tmp_path)
    assert save_upload("a.csv", b"one", tmp_path) == first
    assert save_upload("a.csv", b"two", tmp_path) != first
    assert first.read_bytes() == b"one"
    assert len(list(tmp_path.iterdir())) == 2


def test_bad_uploads_are_refused_and_leave_nothing(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(limits, "MAX_FILE_BYTES", 5)
    uploads = {"a.csv": (b"123456", "at most"), "b.csv": (b"", "empty")}
    for name, (content, words) in uploads.items():
        with pytest.raises(DataError, match=words):
            save_upload(name, content, tmp_path)
    assert not list(tmp_path.iterdir())


def test_upload_that_fails_half_way_leaves_nothing(tmp_path: Path, monkeypatch) -> None:
    def fail(*given: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(storage.os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        save_upload("a.csv", b"one", tmp_path)
    assert not list(tmp_path.iterdir())


# Columns

WORDS = ["A cat naps here.", "A dog barks now.", "A bird sings well.", "A fish swims."] * 10
CLASSES = ["good", "bad"] * 20
SCORES = [i / 7 for i in range(40)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"text": WORDS, "label": CLASSES}, ("text", None, "label", "classification")),
        (
            {"label": CLASSES, "Sentence2": WORDS, "Sentence1": WORDS},
            ("Sentence1", "Sentence2", "label", "classification"),
        ),
        (
            {"premise": WORDS, "hypothesis": WORDS, "score": SCORES},
            ("premise", "hypothesis", "score", "regression"),
        ),
        (
            {"question": WORDS, "sentence": WORDS, "class": CLASSES},
            ("question", "sentence", "class", "classification"),
        ),
        (
            {"id": range(40), "post": WORDS, "mood": CLASSES},
            ("post", None, "mood", "classification"),
        ),
        (
            {"id": range(40), "post": WORDS, "how": SCORES},
            ("post", None, "how", "regression"),
        ),
        (
            {"text": WORDS, "label": [str(s) for s in SCORES]},
            ("text", None, "label", "regression"),
        ),
        ({"text": WORDS, "label": [0.0, 1.0] * 20}, ("text", None, "label", "classification")),
        ({"text": WORDS, "label": range(40)}, ("text", None, "label", "regression")),
        ({"text": WORDS, "label": [*range(4)] * 10}, ("text", None, "label", "classification")),
    ],
)
def test_columns_are_guessed(content: dict, expected: tuple) -> None:
    assert resolve_columns(pd.DataFrame(content)) == Columns(*expected)


@pytest.mark.parametrize("mood", [["bad"] * 20 + ["good"] * 20, ["bad", "good"] * 20])
def test_label_is_guessed_from_a_part_of_a_sorted_or_alternating_file(mood, monkeypatch) -> None:
    monkeypatch.setattr(columns, "GUESS_ROWS", 10)
    frame = pd.DataFrame({"post": WORDS, "mood": mood})
    assert resolve_columns(frame).label == "mood"


def test_users_choice_goes_before_the_guess() -> None:
    frame = pd.DataFrame({"text": WORDS, "title": WORDS, "label": CLASSES, "stars": SCORES})
    assert resolve_columns(frame, text="title") == Columns("title", None, "label", "classification")
    chosen = resolve_columns(frame, pair="title", label="stars")
    assert chosen == Columns("text", "title", "stars", "regression")
    chosen = resolve_columns(frame, label="stars", problem="classification")
    assert chosen.problem == "classification"


def test_naming_only_the_text_turns_the_guessed_pair_off() -> None:
    frame = pd.DataFrame({"sentence1": WORDS, "sentence2": WORDS, "label": CLASSES})
    assert resolve_columns(frame).pair == "sentence2"
    assert resolve_columns(frame, text="sentence1").pair is None


@pytest.mark.parametrize(
    ("content", "choice", "message"),
    [
        ({"text": WORDS, "label": CLASSES}, {"label": "lable"}, "Did you mean 'label'"),
        ({"text": WORDS, "label": CLASSES}, {"pair": "x"}, "Unknown column 'x'.*text, label"),
        ({"text": WORDS, "label": CLASSES}, {"text": "text", "pair": "text"}, "named twice"),
        ({"text": WORDS}, {}, "No column looks like a label"),
        ({"a": range(40), "b": range(40)}, {"label": "b"}, "No column looks like text"),
        ({"text": WORDS, "id": range(40)}, {}, "No column looks like a label"),
    ],
)
def test_columns_that_can_not_be_found(content: dict, choice: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        resolve_columns(pd.DataFrame(content), **choice)


# Rows


def rows_of(text: list, label: list, problem: str = "classification", pair: list | None = None):
    content = {"text": text, "label": label} | ({"pair": pair} if pair else {})
    columns = Columns("text", "pair" if pair else None, "label", problem)
    return labelled_rows(pd.DataFrame(content), columns)


def test_rows_keep_text_and_get_class_ids() -> None:
    frame, names = rows_of([" A ", "B", "C", "D"], ["b", "a ", "b", "a"], pair=list("wxyz"))
    assert names == ("a", "b")
    assert frame.to_dict("list") == {
        "text": [" A ", "B", "C", "D"],
        "pair": list("wxyz"),
        "label": [1, 0, 1, 0],
    }


def test_classes_that_are_numbers_are_in_their_order() -> None:
    assert rows_of(list("abcdef"), ["10", "2", "-1"] * 2)[1] == ("-1", "2", "10")
    assert rows_of(list("abcd"), [1.0, 0.0] * 2)[1] == ("0", "1")
    assert rows_of(list("abcd"), [True, False] * 2)[1] == ("False", "True")


def test_numbers_are_kept_as_floats() -> None:
    frame, names = rows_of(list("abcd"), ["0.5", "1", "1e1", "-2"], "regression")
    assert names == ()
    assert frame["label"].tolist() == [0.5, 1.0, 10.0, -2.0]


@pytest.mark.parametrize(
    ("text", "label", "problem", "message"),
    [
        (["A", " ", "C", None], list("xyxy"), "classification", "'text' is empty in rows 2, 4 "),
        ([""] * 9, list("xyxyxyxyx"), "classification", "rows 1, 2, 3, 4, 5 and 4 more"),
        ([["A"], "B", "C", "D"], list("xyxy"), "classification", "holds no text in row 1 "),
        (list("ABCD"), ["x", None, "x", ""], "classification", "'label' is empty in rows 2, 4 "),
        (list("ABCD"), ["x"] * 4, "classification", "one class only, 'x'"),
        (list("ABCD"), ["x", "x", "x", "rare"], "classification", "one row only: 'rare'"),
        (list("ABCD"), ["1", "nan", "inf", "x"], "regression", "number in rows 2, 3, 4 "),
        (list("ABCD"), [1.0, np.nan, np.inf, 2.0], "regression", "number in rows 2, 3 "),
        (list("ABCD"), ["1", "1_0", [2], 10**400], "regression", "number in rows 2, 3, 4 "),
        (list("ABCD"), ["x", ["x"], "x", b"x"], "classification", "a list or bytes in rows 2, 4 "),
        (list("ABC"), [1.0, 2.0, 3.0], "regression", "3 rows.*at least 4 rows"),
        (list("ABCD"), [1.0] * 4, "regression", "1 different values"),
    ],
)
def test_bad_rows_are_named(text: list, label: list, problem: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        rows_of(text, label, problem)


def test_empty_second_text_is_named() -> None:
    with pytest.raises(DataError, match="'pair' is empty in row 3 "):
        rows_of(list("ABCD"), list("xyxy"), pair=["a", "b", "", "d"])


def test_many_values_as_classes_lead_to_regression() -> None:
    values = [i / 3 for i in range(5000)]
    with pytest.raises(DataError, match="5,000 different values.*200.*problem=regression"):
        rows_of(["A"] * 5000, values)


cell = st.one_of(
    st.none(), st.text(max_size=5), st.integers(), st.floats(), st.booleans(), st.lists(st.none())
)


@settings(max_examples=150)
@given(
    rows=st.lists(st.tuples(cell, cell), min_size=1, max_size=12),
    problem=st.sampled_from(["auto", "classification", "regression"]),
)
def test_any_cells_give_rows_or_an_error_for_the_user(rows: list, problem: str) -> None:
    frame = pd.DataFrame(
        {
            "text": pd.Series([r[0] for r in rows], dtype=object),
            "label": pd.Series([r[1] for r in rows], dtype=object),
        }
    )
    columns = resolve_columns(frame, "text", None, "label", problem)
    describe(frame, columns)
    try:
        good, names = labelled_rows(frame, columns)
    except DataError:
        return
    assert len(good) == len(frame)
    assert (
        good["label"].isin(range(len(names))).all() if names else np.isfinite(good["label"]).all()
    )


# Preview


def test_description_of_classes() -> None:
    text = ["A cat naps.", "A cat naps.", "Hm", "", "So it is."]
    frame = pd.DataFrame({"text": text, "label": ["x", "y", "x", "x", None]})
    found = describe(frame, Columns("text", None, "label", "classification"))
    assert found.class_counts == {"x": 3, "y": 1}
    assert (found.rows, found.rows_without_text, found.rows_without_label) == (5, 1, 1)
    assert (found.duplicate_texts, found.label_mean) == (1, None)
    assert (found.median_characters, found.max_characters) == (9.0, 11)
    assert (found.median_words, found.max_words) == (3.0, 3)


def test_description_of_numbers() -> None:
    frame = pd.DataFrame({"text": list("abcd"), "label": ["1", "2", "3", "bad"]})
    found = describe(frame, Columns("text", None, "label", "regression"))
    assert found.class_counts is None
    assert (found.label_mean, found.label_min, found.label_max) == (2.0, 1.0, 3.0)
    assert found.label_std == pytest.approx((2 / 3) ** 0.5)


def test_pairs_are_duplicates_only_if_both_texts_are() -> None:
    frame = pd.DataFrame({"a": ["A", "A", "A"], "b": ["x", "y", "x"], "label": ["1", "2", "1"]})
    assert describe(frame, Columns("a", "b", "label", "classification")).duplicate_texts == 1
