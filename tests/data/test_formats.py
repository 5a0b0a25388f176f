"""Claims about files as they lie about: what they are read as, and why, is found and said."""

import csv
import gzip
import io
import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from finegates.data.columns import resolve_columns
from finegates.data.encodings import find_encoding
from finegates.data.formats import ENCODINGS, SEPARATORS, Reading
from finegates.data.splits import load_splits
from finegates.data.user_files import read_file
from finegates.errors import DataError, SpecError
from finegates.spec import SEPARATORS as SEPARATOR_CHOICES
from finegates.spec import make_spec

ROWS = [(f"The film number {i}, was it nice?", "good" if i % 2 else "bad") for i in range(40)]
FRAME = pd.DataFrame(ROWS, columns=["text", "label"], dtype="str")


def table(separator: str = ",", rows=ROWS, header=("text", "label")) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=separator).writerows([header, *rows] if header else rows)
    return file.getvalue()


def read(folder: Path, content: str | bytes, name: str = "file", **known: str):
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_file(path, Reading(**known))


def test_the_offered_separators_and_encodings_are_allowed_settings():
    assert ("auto", *SEPARATORS) == SEPARATOR_CHOICES
    for encoding in ENCODINGS:
        make_spec({"data": "a.csv", "encoding": encoding})
    for encoding in ("utf-9", "rot13", "a\0b"):
        with pytest.raises(SpecError, match="none that Python knows"):
            make_spec({"data": "a.csv", "encoding": encoding})


# Separators


@pytest.mark.parametrize("name", ["comma", "semicolon", "tab", "pipe"])
@pytest.mark.parametrize("ending", ["csv", "txt", "tsv"])
def test_every_separator_is_found_whatever_the_ending(tmp_path, name, ending):
    found = read(tmp_path, table(SEPARATORS[name]), f"a.{ending}")
    pd.testing.assert_frame_equal(found.frame, FRAME)
    assert (found.format.separator, found.format.header) == (name, True)
    assert found.format.certainty["separator"] == f"{name}: 41 of 41 lines have 2 fields."


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;"])
def test_the_line_for_excel_is_honoured_and_is_no_row(tmp_path, first):
    found = read(tmp_path, f"{first}\r\n{table(';')}")
    pd.testing.assert_frame_equal(found.frame, FRAME)
    assert "the first line" in found.format.certainty["separator"]
    with pytest.raises(DataError, match="line 3: 3 fields"):
        read(tmp_path, f"{first}\r\ntext;label\r\na;b;c\r\n")
    with pytest.raises(DataError, match="'sep=!' in its first line, which is no separator"):
        read(tmp_path, "sep=!\r\na!b\r\n")


def test_semicolons_are_found_although_each_text_has_a_comma(tmp_path):
    rows = [(f"one, two {i}", "x" if i % 2 else "y") for i in range(20)]
    plain = "".join(f"{a};{b}\n" for a, b in rows)
    found = read(tmp_path, plain, header="no")
    assert found.format.separator == "semicolon" and found.frame.shape == (20, 2)


def test_the_users_choice_goes_before_what_is_found(tmp_path):
    found = read(tmp_path, table(";"), separator="pipe")
    assert found.format.certainty["separator"] == "pipe: as you chose."
    assert list(found.frame.columns) == ["text;label"]
    with pytest.raises(DataError, match="2 fields were found and the header has 1.*another sep"):
        read(tmp_path, table(";"), separator="comma")


@pytest.mark.parametrize(
    ("line", "names"),
    [("{label} {text}", ["label", "text"]), ("{text} {label}", ["text", "label"]),
     ("__label__{label} {text}", ["label", "text"]), ("{label}   {text}", ["label", "text"])],
)  # fmt: skip
@pytest.mark.parametrize("text", ["the film number {i}", "how was it, and why number {i} ?"])
def test_a_label_at_either_end_of_a_line_is_parted_at_the_blank(tmp_path, line, names, text):
    labels = ["DESC:manner", "NUM:date", "HUM:ind"]
    lines = [line.format(label=labels[i % 3], text=text.format(i=i)) for i in range(30)]
    found = read(tmp_path, "\n".join(lines), "train_5500.label")
    assert found.format.separator == "blank" and list(found.frame.columns) == names
    assert found.frame["label"].tolist() == [labels[i % 3] for i in range(30)]
    assert found.frame["text"].tolist() == [text.format(i=i) for i in range(30)]


def test_a_line_with_two_fasttext_labels_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(DataError, match="One label per row is learned"):
        read(tmp_path, "".join(f"__label__a __label__{i % 2} words\n" for i in range(8)))


def test_prose_and_tables_with_blanks_behind_commas_are_not_parted_at_blanks(tmp_path):
    prose = "text\n" + "".join(f"word{i} and the same end\n" for i in range(30))
    assert read(tmp_path, prose).frame.shape == (30, 1)
    spaced = "text, label\n" + "".join(f"the film {i}, {'xy'[i % 2]}\n" for i in range(30))
    assert list(read(tmp_path, spaced).frame.columns) == ["text", "label"]


# Encodings

TEXTS = {
    "cp1252": "Le café était très bon, mais l’hôtel à la crème était médiocre. Où ? Ça va, déçu.",
    "latin-1": "Die Lieferung kam verspätet, die Größe stimmt nicht, schön war es nur für Füße.",
    "mac-roman": "Le café était très bon, mais le service à la crème était médiocre.",
    "cp1250": "Bardzo dobra książka, ale źle się ją czyta. Życzę miłego dnia, świetny żółw.",
    "iso8859-2": "Příliš žluťoučký kůň úpěl ďábelské ódy, můžu doporučit.",
    "cp1251": "Очень хороший фильм, мне понравилось. Но концовка была скучной.",
    "koi8-r": "Очень хороший фильм, мне понравилось. Но концовка была скучной.",
    "cp1253": "Πολύ καλή ταινία, μου άρεσε. Αλλά το τέλος ήταν βαρετό.",
    "cp1254": "Çok güzel bir film, beğendim. Ama sonu sıkıcıydı, önermiyorum.",
    "shift_jis": "とても良い映画でした。しかし、終わりは退屈で長かった。",
    "euc_jp": "とても良い映画でした。しかし、終わりは退屈で長かった。",
    "gb18030": "这个房间很好，服务也不错。但是价格太贵了，不推荐大家来这里住。",
    "big5": "這個房間很好，服務也不錯。但是價格太貴了，不推薦大家來這裡住。",
    "cp949": "아주 좋은 영화였어요. 하지만 결말은 지루하고 길었습니다.",
    "utf-8-sig": "naïve café 日本語", "utf-16": "naïve café 日本語", "utf-16-le": "naïve 日本語",
    "utf-16-be": "日本語", "utf-32": "naïve", "utf-32-be": "naïve",
}  # fmt: skip


@pytest.mark.parametrize("encoding", TEXTS)
@pytest.mark.parametrize("number", [1, 30])
def test_usual_encodings_are_found(tmp_path, encoding, number):
    rows = [(f"{TEXTS[encoding]} {i}", "xy"[i % 2]) for i in range(number)]
    content = table("\t", rows).encode(encoding)
    found = read(tmp_path, content)
    assert found.frame["text"].tolist() == [text for text, _ in rows]
    assert content.decode(found.format.encoding).lstrip("\ufeff") == table("\t", rows)
    assert found.format.encoding in found.format.certainty["encoding"]


def test_a_choice_of_encoding_is_taken_or_refused_with_the_byte(tmp_path):
    content = table(rows=[("naïve", "x")] * 4).encode("cp1252")
    assert read(tmp_path, content, encoding="latin-1").frame["text"][0] == "naïve"
    with pytest.raises(DataError, match=r"is not UTF-8: byte 14 \(line 2\).*Choose its encoding"):
        read(tmp_path, content, encoding="utf-8")


def test_a_late_byte_decides_for_the_whole_file(tmp_path):
    content = table(rows=[("plain text", "x")] * 60_000 + [("café", "y")]).encode("cp1252")
    assert read(tmp_path, content).frame["text"].tolist()[-1] == "café"


def test_utf8_with_one_broken_byte_is_not_taken_for_an_old_encoding():
    with pytest.raises(DataError, match="is not UTF-8: byte 16"):
        find_encoding("a.csv", "naïve café ü ".encode() + b"\xe9 end")


def test_gzip_of_one_text_is_read(tmp_path):
    found = read(tmp_path, gzip.compress(table(";").encode("utf-16")), "a.csv.gz")
    pd.testing.assert_frame_equal(found.frame, FRAME)
    assert found.format.compressed


# Headers


@pytest.mark.parametrize(
    "rows",
    [
        ROWS,
        [(str(i % 2), f"hi {i}") for i in range(20)],
        [(f"word{i}", i / 7) for i in range(20)],
        [(f"a longer text with number {i}", f"class {i}") for i in range(20)],
    ],
)
def test_a_first_row_that_looks_like_data_is_asked_about_and_kept(tmp_path, rows):
    found = read(tmp_path, table("\t", rows, header=()))
    assert found.format.header is None and len(found.frame) == len(rows)
    assert list(found.frame.columns) == ["column_1", "column_2"]
    assert "looks like data" in found.format.certainty["header"]
    assert len(read(tmp_path, table("\t", rows, header=()), header="no").frame) == len(rows)
    assert len(read(tmp_path, table("\t", rows, header=()), header="yes").frame) == len(rows) - 1


@pytest.mark.parametrize(
    "header",
    [("text", "label"), ("frage", "antwort"), ("v1", "v2"), ("", "0"), ("TEXT", "good"),
     ("What did the customer say?", "mood")],
)  # fmt: skip
def test_names_are_taken_for_names(tmp_path, header):
    rows = [(f"{text} and more of it, and so on", label) for text, label in ROWS]
    assert read(tmp_path, table(rows=rows, header=header)).format.header is True


# Decimals


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1,5", "0,25", "-3,0", "1.234,5"], [1.5, 0.25, -3, 1234.5]),
        (["1.5", "1,234.5", "1,000", "7"], [1.5, 1234.5, 1000, 7]),
        (["12 %", "3,5 %", "100%", "0,5%"], [12, 3.5, 100, 0.5]),
        (["1 234", "7\u00a0000", "12 000", "3"], [1234, 7000, 12000, 3]),
        (["€ 5", "7 €", "$1,200", "\u22123"], [5, 7, 1200, -3]),
    ],
)
def test_numbers_are_read_as_people_write_them(tmp_path, cells, numbers):
    rows = [(f"the film number {i} was long", cells[i % 4]) for i in range(40)]
    path = tmp_path / "a.csv"
    path.write_text(table(";", rows), encoding="utf-8", newline="")
    splits = load_splits(make_spec({"data": str(path), "problem": "regression"}))
    assert {*splits.train["label"]} == {*map(float, numbers)}


def test_a_choice_of_decimals_is_taken(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(table(";", [(f"text {i}", f"{i + 1},125") for i in range(40)]), newline="")
    for decimal, number in (("auto", 1125), ("point", 1125), ("comma", 1.125)):
        given = {"data": str(path), "problem": "regression", "decimal": decimal}
        assert load_splits(make_spec(given)).train["label"].min() == number


# JSON and Parquet

NESTED = [{"content": {"body": t, "lang": "en"}, "label": {"name": c, "id": i % 2}, "id": i}
          for i, (t, c) in enumerate(ROWS)]  # fmt: skip


@pytest.mark.parametrize("kind", ["jsonl", "list", "pretty", "export", "objects", "parquet"])
def test_parts_of_objects_are_columns(tmp_path, kind):
    contents = {
        "jsonl": "\n".join(map(json.dumps, NESTED)),
        "list": json.dumps(NESTED),
        "pretty": json.dumps(NESTED, indent=2),
        "export": json.dumps({"version": "1", "data": NESTED, "total": 40}),
        "objects": "\n".join(json.dumps(row, indent=1) for row in NESTED),
    }
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(NESTED), tmp_path / "file")
        found = read_file(tmp_path / "file")
    else:
        found = read(tmp_path, contents[kind])
    assert [*found.frame.columns] == [
        "content.body",
        "content.lang",
        "label.name",
        "label.id",
        "id",
    ]
    assert found.frame["label.name"].tolist() == FRAME["label"].tolist()
    assert "'content.body', 'content.lang', 'label.name', 'label.id'" in found.notes[0]
    columns = resolve_columns(found.frame)
    assert (columns.text, columns.label) == ("content.body", "label.name")


@pytest.mark.parametrize("whole", [
    {name: FRAME[name].tolist() for name in FRAME}, json.loads(FRAME.to_json()),
])  # fmt: skip
def test_one_object_of_columns_is_a_table(tmp_path, whole):
    pd.testing.assert_frame_equal(read(tmp_path, json.dumps(whole)).frame, FRAME)


def test_objects_with_ever_new_parts_stay_one_column(tmp_path):
    rows = [{"text": f"t {i}", "label": i % 2, "about": {f"k{i}": i}} for i in range(600)]
    found = read(tmp_path, "\n".join(map(json.dumps, rows)))
    assert [*found.frame.columns] == ["text", "label", "about"]
    assert found.notes == ("'about' holds objects with too many parts, so it stays one column.",)


def test_lists_of_one_label_are_it_and_longer_lists_are_refused_with_what_to_do(tmp_path):
    rows = [{"text": t, "labels": [c]} for t, c in ROWS]
    found = read(tmp_path, "\n".join(map(json.dumps, rows)))
    assert found.frame["labels"].tolist() == FRAME["label"].tolist() and found.notes
    rows[3]["labels"] = ["good", "bad"]
    (tmp_path / "file").write_text(json.dumps(rows))
    with pytest.raises(DataError, match="holds a list .* One label per row is learned"):
        load_splits(make_spec({"data": str(tmp_path / "file")}))


def features(names: object) -> dict[bytes, bytes]:
    described = {"label": {"names": names, "_type": "ClassLabel"}, "text": {"_type": "Value"}}
    return {b"huggingface": json.dumps({"info": {"features": described}}).encode()}


def write_ids(folder: Path, ids: list, metadata: dict[bytes, bytes]) -> Path:
    table = pa.table({"text": [f"t {i}" for i in range(len(ids))], "label": ids})
    pq.write_table(table.replace_schema_metadata(metadata), folder / "a.parquet")
    return folder / "a.parquet"


def test_class_names_that_datasets_wrote_are_used(tmp_path):
    path = write_ids(tmp_path, [0, 1, 1, 0, -1, None] * 4, features(["negative", "positive"]))
    found = read_file(path)
    assert found.frame["label"].tolist()[:4] == ["negative", "positive", "positive", "negative"]
    assert found.frame["label"].isna().sum() == 8
    assert found.notes == (
        "'label' holds class ids; the file's own names were taken: negative, positive.",
    )
    splits = load_splits(make_spec({"data": str(path), "cleaning": ("drop_unlabelled",)}))
    assert splits.labels == ("negative", "positive")


@pytest.mark.parametrize(
    "metadata",
    [features(["one"]), features("ab"), features([1, 2]), features(["a", "b" * 999]),
     {b"huggingface": b"[" * 9999}, {b"huggingface": b'{"info": 3}'}, {b"huggingface": b"\xff"}],
)  # fmt: skip
def test_names_that_do_not_fit_the_ids_are_left(tmp_path, metadata):
    found = read_file(write_ids(tmp_path, [0, 1, 2, 0], metadata))
    assert found.frame["label"].tolist() == [0, 1, 2, 0] and found.notes == ()
